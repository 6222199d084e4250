"""What an observer comes to believe of acts and rooms as bookings, prices and results become known, day by day.

Assumed-density filtering (Maybeck, "Stochastic Models, Estimation and Control", volume 2, 1982, chapter 12): after each
fact the belief is replaced by the normal of the same mean and variance. Followings and momenta of an artist are held
jointly, the qualities of venues apart from them. Approximations, each of which makes the forecast a little worse than
the best: the prior of a following is normal, an artist and a venue are taken as independent however often they met,
what the sales to date of a show that was not yet played say of other shows is left out, and so is when a show sold out.
"""

import math
from dataclasses import dataclass

import numpy as np

from concert_assets.evaluation.published import KnownTerms, Published
from concert_assets.evaluation.rooms import LOWEST, STEP, Rooms
from concert_assets.simulation.artists import (
    FOLLOWING_CENTRE,
    FOLLOWING_SIGMA_ABOVE,
    FOLLOWING_SIGMA_BELOW,
    POPULARITY_CENTRE,
    POPULARITY_MOMENTUM,
    POPULARITY_NOISE,
    POPULARITY_SPREAD,
)
from concert_assets.simulation.demand import MOMENTUM_SIGMA, QUALITY_SIGMA, noise
from concert_assets.simulation.exact import Floats, Ints
from concert_assets.simulation.pricing import PRICE_SPREAD, STAR_POWER

NOISE_VARIANCE = float(np.var(noise((np.arange(20_000) + 0.5) / 20_000)))
_NODES, _SHARES = np.polynomial.hermite_e.hermegauss(15)
_SQUARES = _NODES**2
_IMPOSSIBLE = 1e-12  # a booking this improbable says that the rule or the table is another, and nothing of the act
# What happens on one day happens in this order, so that nothing of the day itself is known to who asks on it.
_SNAPSHOT, _ASKED, _BOOKED, _PLAYED = range(4)


@dataclass(frozen=True)
class Beliefs:
    """Means and (co)variances of what is hidden, as of the start of a day.

    Following and momentum by artist, quality by venue; ``covariance`` is that of following and momentum.
    """

    following: Floats
    momentum: Floats
    following_variance: Floats
    covariance: Floats
    momentum_variance: Floats
    quality: Floats
    quality_variance: Floats


@dataclass(frozen=True)
class Filtered:
    """Answers: mean and variance of log demand before any of it came, noise included, one a question; and snapshots."""

    mean: Floats
    variance: Floats
    beliefs: dict[int, Beliefs]


def popularity_prior(popularity: Floats) -> Beliefs:
    """What the popularity score alone says of artists; shape (artists,), nan where unknown. No venues."""
    error = POPULARITY_NOISE**2
    total = POPULARITY_SPREAD**2 + (POPULARITY_MOMENTUM * MOMENTUM_SIGMA) ** 2 + error
    known = np.isfinite(popularity)
    off = np.where(known, popularity - POPULARITY_CENTRE, 0.0) / total
    told = known / total
    # rank z and momentum are jointly normal given the score; the following is a broken line of z
    z, z_variance = POPULARITY_SPREAD * off, 1 - POPULARITY_SPREAD**2 * told
    weight = POPULARITY_MOMENTUM * MOMENTUM_SIGMA**2
    momentum, momentum_variance = weight * off, MOMENTUM_SIGMA**2 - weight**2 * told
    covariance = -POPULARITY_SPREAD * weight * told
    at, share = np.polynomial.hermite_e.hermegauss(41)
    share = share / share.sum()
    points = z[:, None] + np.sqrt(z_variance)[:, None] * at
    values = FOLLOWING_CENTRE + np.where(points < 0, FOLLOWING_SIGMA_BELOW, FOLLOWING_SIGMA_ABOVE) * points
    mean = (values * share).sum(axis=1)
    slope = ((values - mean[:, None]) * (points - z[:, None]) * share).sum(axis=1) / z_variance
    variance = ((values - mean[:, None]) ** 2 * share).sum(axis=1)
    nothing = np.zeros(0)
    return Beliefs(mean, momentum, variance, covariance * slope, momentum_variance, nothing, nothing)


def follow(
    seen: Published,
    terms: KnownTerms,
    rooms: Rooms,
    competition: Floats,
    asked: Ints,
    asked_day: Ints,
    asked_competition: Floats,
    snapshots: Ints,
) -> Filtered:
    """Go through the facts in time and answer each question as of the start of its day.

    ``competition`` is the term of each concert once all of its week is announced, shape (concerts,). Questions are rows
    of concerts, days and the term as expected then, all of shape (questions,); the booking asked for is known, and of
    all else nothing dated on or after the day. ``snapshots`` are days whose beliefs are wanted.
    """
    prior = popularity_prior(seen.popularity)
    following, momentum = prior.following.tolist(), prior.momentum.tolist()
    var_f, cov, var_m = (
        values.tolist() for values in (prior.following_variance, prior.covariance, prior.momentum_variance)
    )
    quality = [0.0] * len(seen.capacity)
    var_q = [QUALITY_SIGMA**2] * len(seen.capacity)
    price_sign = np.where(np.isfinite(terms.price_sign), terms.price_sign / STAR_POWER, math.inf).tolist()
    played = np.flatnonzero(seen.is_held & np.isfinite(seen.sold))
    events = _in_order(
        (snapshots, np.full(len(snapshots), _SNAPSHOT), np.arange(len(snapshots))),
        (seen.on_sale_day, np.full(seen.shows, _BOOKED), np.arange(seen.shows)),
        (asked_day, np.full(len(asked), _ASKED), np.arange(len(asked))),
        (seen.event_day[played], np.full(len(played), _PLAYED), played),
    )
    artist, venue, years = seen.artist.tolist(), seen.venue.tolist(), seen.years().tolist()
    constant, follows = terms.constant.tolist(), terms.follows.tolist()
    spread = (terms.spread + NOISE_VARIANCE).tolist()
    rivalry, expected_rivalry = competition.tolist(), asked_competition.tolist()
    log_sold = np.log(np.maximum(np.where(np.isfinite(seen.sold), seen.sold, 0.0), 0.5)).tolist()
    log_capacity = np.log(seen.capacity[seen.venue]).tolist()
    is_full = (seen.sold >= seen.capacity[seen.venue]).tolist()
    shows_asked, on_sale = asked.tolist(), seen.on_sale_day.tolist()
    mean, variance = [0.0] * len(asked), [0.0] * len(asked)
    beliefs: dict[int, Beliefs] = {}
    for day, what, row in events:
        if what == _SNAPSHOT:
            held = (following, momentum, var_f, cov, var_m, quality, var_q)
            beliefs[day] = Beliefs(*(np.array(values) for values in held))
            continue
        show = shows_asked[row] if what == _ASKED else row
        act, room = artist[show], venue[show]
        if what == _BOOKED:
            state = _after_booking(
                (following[act], momentum[act], var_f[act], cov[act], var_m[act]),
                rooms.considered[room], price_sign[show],
            )  # fmt: skip
            following[act], momentum[act], var_f[act], cov[act], var_m[act] = state
            continue
        # log demand is linear in following, momentum and quality, with these covariances to it
        slope, year = follows[show], years[show]
        f, m, v_f, c, v_m = following[act], momentum[act], var_f[act], cov[act], var_m[act]
        if what == _ASKED and on_sale[show] >= day:
            # of what is announced on the day, the show that is asked for is known and nothing else
            f, m, v_f, c, v_m = _after_booking((f, m, v_f, c, v_m), rooms.considered[room], price_sign[show])
        with_f = slope * v_f + year * c
        with_m = slope * c + year * v_m
        centre = constant[show] + slope * f + year * m + quality[room]
        total = slope * with_f + year * with_m + var_q[room] + spread[show]
        if what == _ASKED:
            mean[row], variance[row] = centre + expected_rivalry[row], total
            continue
        centre += rivalry[show]
        if is_full[show]:
            first, second = _above(log_capacity[show] - centre, total)
        else:
            first, second = (log_sold[show] - centre) / total, 1 / total
        with_q = var_q[room]
        following[act] += with_f * first
        momentum[act] += with_m * first
        quality[room] += with_q * first
        var_f[act] -= with_f * with_f * second
        cov[act] -= with_f * with_m * second
        var_m[act] -= with_m * with_m * second
        var_q[room] -= with_q * with_q * second
    return Filtered(np.array(mean), np.array(variance), beliefs)


def _above(margin: float, variance: float) -> tuple[float, float]:
    """First derivative, and second with its sign turned, of log P(x > ``margin``) by the mean of x, now nought."""
    sd = math.sqrt(variance)
    at = margin / sd
    tail = 0.5 * math.erfc(at / math.sqrt(2))
    # far out in the tail the ratio of density to tail is the argument plus its inverse
    hazard = math.exp(-0.5 * at * at) / math.sqrt(2 * math.pi) / tail if at < 8 else at + 1 / at
    return hazard / sd, hazard * (hazard - at) / variance


def _after_booking(
    state: tuple[float, float, float, float, float], considered: Floats, price_sign: float
) -> tuple[float, float, float, float, float]:
    """Following, momentum, their variances and the covariance between them in the middle, once a booking is known."""
    following, momentum, along, across, var_m = state
    first, second = _booked(considered, price_sign, following, along)
    return (
        following + along * first,
        momentum + across * first,
        along - along * along * second,
        across - along * across * second,
        var_m - across * across * second,
    )


def _booked(considered: Floats, price_sign: float, mean: float, variance: float) -> tuple[float, float]:
    """First derivative, and second with its sign turned, of the log probability of a booking by the mean following.

    ``considered`` is that of the room over the points of ``Rooms``; ``price_sign`` the following that its price
    suggests, infinite where unknown. The following is normal with ``mean`` and ``variance``.
    """
    sd = math.sqrt(variance)
    at = np.minimum(np.maximum((mean - LOWEST + sd * _NODES) / STEP, 0.0), considered.shape[0] - 2.0)
    left = at.astype(np.int64)
    below = considered[left]
    chance = _SHARES * (below + (at - left) * (considered[left + 1] - below))
    total = float(chance.sum())
    precision, shift = 1 / variance, 0.0
    if total > _IMPOSSIBLE:
        off = float(chance @ _NODES) / total
        left_over = min(max(float(chance @ _SQUARES) / total - off * off, 0.05), 1.0)
        precision, shift = 1 / (variance * left_over), off * sd / (variance * left_over)
    if price_sign != math.inf:
        told = (STAR_POWER / PRICE_SPREAD) ** 2
        precision, shift = precision + told, shift + told * (price_sign - mean)
    return shift / precision / variance, (1 - 1 / (precision * variance)) / variance


def _in_order(*kinds: tuple[Ints, Ints, Ints]) -> list[tuple[int, int, int]]:
    """Events, given as days, kinds and rows, in order of time."""
    day, what, row = (np.concatenate(parts) for parts in zip(*kinds, strict=True))
    order = np.lexsort((row, what, day))
    return list(zip(day[order].tolist(), what[order].tolist(), row[order].tolist(), strict=True))
