"""The cities of the simulated world: real places in the United States with their time zones and market sizes."""

from dataclasses import dataclass

EASTERN, CENTRAL = "America/New_York", "America/Chicago"
MOUNTAIN, PACIFIC, ARIZONA = "America/Denver", "America/Los_Angeles", "America/Phoenix"


@dataclass(frozen=True, slots=True)
class City:
    """A city: ``people`` is its metropolitan population in hundred thousands, coordinates are degrees (WGS 84)."""

    name: str
    state: str
    timezone: str
    latitude: float
    longitude: float
    people: int
    zip_prefix: str


# The market whose size has no effect on demand, in hundred thousands.
AVERAGE_PEOPLE = 35.0

# Populations are those of the 2020 census' metropolitan areas, rounded; coordinates are those of the city centres.
CITIES: tuple[City, ...] = (
    City("New York", "NY", EASTERN, 40.713, -74.006, 201, "100"),
    City("Los Angeles", "CA", PACIFIC, 34.052, -118.244, 132, "900"),
    City("Chicago", "IL", CENTRAL, 41.878, -87.630, 96, "606"),
    City("Dallas", "TX", CENTRAL, 32.777, -96.797, 76, "752"),
    City("Houston", "TX", CENTRAL, 29.760, -95.370, 71, "770"),
    City("Washington", "DC", EASTERN, 38.907, -77.037, 64, "200"),
    City("Philadelphia", "PA", EASTERN, 39.953, -75.165, 62, "191"),
    City("Miami", "FL", EASTERN, 25.762, -80.192, 61, "331"),
    City("Atlanta", "GA", EASTERN, 33.749, -84.388, 61, "303"),
    City("Boston", "MA", EASTERN, 42.360, -71.059, 49, "021"),
    City("Phoenix", "AZ", ARIZONA, 33.448, -112.074, 48, "850"),
    City("San Francisco", "CA", PACIFIC, 37.775, -122.419, 47, "941"),
    City("Riverside", "CA", PACIFIC, 33.981, -117.375, 46, "925"),
    City("Detroit", "MI", "America/Detroit", 42.331, -83.046, 44, "482"),
    City("Seattle", "WA", PACIFIC, 47.606, -122.332, 40, "981"),
    City("Minneapolis", "MN", CENTRAL, 44.978, -93.265, 37, "554"),
    City("San Diego", "CA", PACIFIC, 32.716, -117.161, 33, "921"),
    City("Tampa", "FL", EASTERN, 27.951, -82.457, 32, "336"),
    City("Denver", "CO", MOUNTAIN, 39.739, -104.990, 30, "802"),
    City("Baltimore", "MD", EASTERN, 39.290, -76.612, 28, "212"),
    City("St. Louis", "MO", CENTRAL, 38.627, -90.199, 28, "631"),
    City("Orlando", "FL", EASTERN, 28.538, -81.379, 27, "328"),
    City("Charlotte", "NC", EASTERN, 35.227, -80.843, 27, "282"),
    City("San Antonio", "TX", CENTRAL, 29.424, -98.494, 26, "782"),
    City("Portland", "OR", PACIFIC, 45.515, -122.679, 25, "972"),
    City("Sacramento", "CA", PACIFIC, 38.582, -121.494, 24, "958"),
    City("Pittsburgh", "PA", EASTERN, 40.441, -79.996, 24, "152"),
    City("Austin", "TX", CENTRAL, 30.267, -97.743, 23, "787"),
    City("Las Vegas", "NV", PACIFIC, 36.170, -115.140, 23, "891"),
    City("Cincinnati", "OH", EASTERN, 39.103, -84.512, 23, "452"),
    City("Kansas City", "MO", CENTRAL, 39.100, -94.579, 22, "641"),
    City("Columbus", "OH", EASTERN, 39.961, -82.999, 21, "432"),
    City("Indianapolis", "IN", "America/Indiana/Indianapolis", 39.768, -86.158, 21, "462"),
    City("Cleveland", "OH", EASTERN, 41.499, -81.694, 21, "441"),
    City("San Jose", "CA", PACIFIC, 37.338, -121.886, 20, "951"),
    City("Nashville", "TN", CENTRAL, 36.163, -86.781, 20, "372"),
    City("Virginia Beach", "VA", EASTERN, 36.853, -75.978, 18, "234"),
    City("Providence", "RI", EASTERN, 41.824, -71.413, 17, "029"),
    City("Jacksonville", "FL", EASTERN, 30.332, -81.656, 16, "322"),
    City("Milwaukee", "WI", CENTRAL, 43.039, -87.906, 16, "532"),
    City("Oklahoma City", "OK", CENTRAL, 35.468, -97.516, 14, "731"),
    City("Raleigh", "NC", EASTERN, 35.780, -78.639, 14, "276"),
    City("Memphis", "TN", CENTRAL, 35.150, -90.049, 13, "381"),
    City("Richmond", "VA", EASTERN, 37.541, -77.436, 13, "232"),
    City("Louisville", "KY", "America/Kentucky/Louisville", 38.253, -85.759, 13, "402"),
    City("New Orleans", "LA", CENTRAL, 29.951, -90.072, 13, "701"),
    City("Salt Lake City", "UT", MOUNTAIN, 40.761, -111.891, 13, "841"),
    City("Hartford", "CT", EASTERN, 41.764, -72.685, 12, "061"),
    City("Buffalo", "NY", EASTERN, 42.886, -78.878, 12, "142"),
    City("Birmingham", "AL", CENTRAL, 33.519, -86.810, 11, "352"),
    City("Tucson", "AZ", ARIZONA, 32.222, -110.975, 10, "857"),
    City("Tulsa", "OK", CENTRAL, 36.154, -95.993, 10, "741"),
    City("Omaha", "NE", CENTRAL, 41.257, -95.935, 10, "681"),
    City("Albuquerque", "NM", MOUNTAIN, 35.084, -106.651, 9, "871"),
    City("Knoxville", "TN", EASTERN, 35.961, -83.921, 9, "379"),
    City("Boise", "ID", "America/Boise", 43.615, -116.202, 8, "837"),
    City("Des Moines", "IA", CENTRAL, 41.587, -93.625, 7, "503"),
    City("Madison", "WI", CENTRAL, 43.073, -89.401, 7, "537"),
    City("Spokane", "WA", PACIFIC, 47.659, -117.426, 6, "992"),
    City("Asheville", "NC", EASTERN, 35.595, -82.551, 5, "288"),
)
