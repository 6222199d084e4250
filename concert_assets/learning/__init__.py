"""Features, splits, baselines, fitting, evaluation and persistence of models.

From the warehouse's rows to tables, with the SQL of ``sql/feature`` bound to ``{"as_of": as_of}``::

    settings.TrainingSettings(test_size=0.2)            # LearningSettingsError, one line, for a size not in (0, 1)
    sales.train_ticket_sales(rows: DataFrame, as_of: date, settings=None) -> Candidate | NotTrainable
    sales.forecast_ticket_sales(outcome.model, rows, as_of) -> DataFrame      # concert_dw.ticket_sales_forecast
    venues.train_venue_popularity(rows: DataFrame, as_of: date, settings=None) -> Candidate | NotTrainable
    venues.rank_venues(outcome.model, rows, as_of) -> DataFrame               # concert_dw.venue_ranking
    known.leaks_of(model, rows, as_of, shift) -> LeakReport                   # is the target among the features?
    promotion.decide(judged, as_of=, reach=, leaks=, champion=) -> Decision   # is a candidate put in use?
    known.drift_of(model, judged, rows, as_of) -> Drift                       # has the world moved since?
    explain.explain(predict, row, background) -> Explanation                  # what does one forecast rest on?
    card.model_card(model.card) -> str                                        # Markdown
    persistence.dump(model, key, *, ledger_position=0, judged=b"") -> tuple[bytes, dict]
    persistence.load(data: bytes, manifest: dict, key: bytes) -> TrainedModel    # ModelRefused, one line

``rows`` are those of ``feature/ticket_sales`` or ``feature/venue_popularity``, all of them, for training and for
predicting alike. ``NotTrainable.reason`` is the ``skipped_reason`` of the asset; given to ``forecast_ticket_sales`` or
``rank_venues`` it yields a table without rows. ``TrainedModel.card`` is the model's part of the training report and
``TrainedModel.version`` names its object: the same version means the same model, though not the same stored bytes.
"""
