"""The places that deliveries name in many ways: countries by ISO 3166-1 code, states of the US by postal code."""

# Code of two letters, code of three, name in English.
_COUNTRIES = """
AD AND Andorra; AE ARE United Arab Emirates; AF AFG Afghanistan; AG ATG Antigua and Barbuda; AI AIA Anguilla;
AL ALB Albania; AM ARM Armenia; AO AGO Angola; AQ ATA Antarctica; AR ARG Argentina; AS ASM American Samoa;
AT AUT Austria; AU AUS Australia; AW ABW Aruba; AX ALA Aland Islands; AZ AZE Azerbaijan;
BA BIH Bosnia and Herzegovina; BB BRB Barbados; BD BGD Bangladesh; BE BEL Belgium; BF BFA Burkina Faso;
BG BGR Bulgaria; BH BHR Bahrain; BI BDI Burundi; BJ BEN Benin; BL BLM St. Barthelemy; BM BMU Bermuda; BN BRN Brunei;
BO BOL Bolivia; BQ BES Caribbean Netherlands; BR BRA Brazil; BS BHS Bahamas; BT BTN Bhutan; BV BVT Bouvet Island;
BW BWA Botswana; BY BLR Belarus; BZ BLZ Belize; CA CAN Canada; CC CCK Cocos Islands;
CD COD Democratic Republic of the Congo; CF CAF Central African Republic; CG COG Republic of the Congo;
CH CHE Switzerland; CI CIV Cote d'Ivoire; CK COK Cook Islands; CL CHL Chile; CM CMR Cameroon; CN CHN China;
CO COL Colombia; CR CRI Costa Rica; CU CUB Cuba; CV CPV Cape Verde; CW CUW Curacao; CX CXR Christmas Island;
CY CYP Cyprus; CZ CZE Czechia; DE DEU Germany; DJ DJI Djibouti; DK DNK Denmark; DM DMA Dominica;
DO DOM Dominican Republic; DZ DZA Algeria; EC ECU Ecuador; EE EST Estonia; EG EGY Egypt; EH ESH Western Sahara;
ER ERI Eritrea; ES ESP Spain; ET ETH Ethiopia; FI FIN Finland; FJ FJI Fiji; FK FLK Falkland Islands;
FM FSM Micronesia; FO FRO Faroe Islands; FR FRA France; GA GAB Gabon; GB GBR United Kingdom; GD GRD Grenada;
GE GEO Georgia; GF GUF French Guiana; GG GGY Guernsey; GH GHA Ghana; GI GIB Gibraltar; GL GRL Greenland;
GM GMB Gambia; GN GIN Guinea; GP GLP Guadeloupe; GQ GNQ Equatorial Guinea; GR GRC Greece;
GS SGS South Georgia and South Sandwich Islands; GT GTM Guatemala; GU GUM Guam; GW GNB Guinea-Bissau; GY GUY Guyana;
HK HKG Hong Kong; HM HMD Heard and McDonald Islands; HN HND Honduras; HR HRV Croatia; HT HTI Haiti; HU HUN Hungary;
ID IDN Indonesia; IE IRL Ireland; IL ISR Israel; IM IMN Isle of Man; IN IND India;
IO IOT British Indian Ocean Territory; IQ IRQ Iraq; IR IRN Iran; IS ISL Iceland; IT ITA Italy; JE JEY Jersey;
JM JAM Jamaica; JO JOR Jordan; JP JPN Japan; KE KEN Kenya; KG KGZ Kyrgyzstan; KH KHM Cambodia; KI KIR Kiribati;
KM COM Comoros; KN KNA St. Kitts and Nevis; KP PRK North Korea; KR KOR South Korea; KW KWT Kuwait;
KY CYM Cayman Islands; KZ KAZ Kazakhstan; LA LAO Laos; LB LBN Lebanon; LC LCA St. Lucia; LI LIE Liechtenstein;
LK LKA Sri Lanka; LR LBR Liberia; LS LSO Lesotho; LT LTU Lithuania; LU LUX Luxembourg; LV LVA Latvia; LY LBY Libya;
MA MAR Morocco; MC MCO Monaco; MD MDA Moldova; ME MNE Montenegro; MF MAF St. Martin; MG MDG Madagascar;
MH MHL Marshall Islands; MK MKD North Macedonia; ML MLI Mali; MM MMR Myanmar; MN MNG Mongolia; MO MAC Macao;
MP MNP Northern Mariana Islands; MQ MTQ Martinique; MR MRT Mauritania; MS MSR Montserrat; MT MLT Malta;
MU MUS Mauritius; MV MDV Maldives; MW MWI Malawi; MX MEX Mexico; MY MYS Malaysia; MZ MOZ Mozambique; NA NAM Namibia;
NC NCL New Caledonia; NE NER Niger; NF NFK Norfolk Island; NG NGA Nigeria; NI NIC Nicaragua; NL NLD Netherlands;
NO NOR Norway; NP NPL Nepal; NR NRU Nauru; NU NIU Niue; NZ NZL New Zealand; OM OMN Oman; PA PAN Panama; PE PER Peru;
PF PYF French Polynesia; PG PNG Papua New Guinea; PH PHL Philippines; PK PAK Pakistan; PL POL Poland;
PM SPM St. Pierre and Miquelon; PN PCN Pitcairn Islands; PR PRI Puerto Rico; PS PSE Palestine; PT PRT Portugal;
PW PLW Palau; PY PRY Paraguay; QA QAT Qatar; RE REU Reunion; RO ROU Romania; RS SRB Serbia; RU RUS Russia;
RW RWA Rwanda; SA SAU Saudi Arabia; SB SLB Solomon Islands; SC SYC Seychelles; SD SDN Sudan; SE SWE Sweden;
SG SGP Singapore; SH SHN St. Helena; SI SVN Slovenia; SJ SJM Svalbard and Jan Mayen; SK SVK Slovakia;
SL SLE Sierra Leone; SM SMR San Marino; SN SEN Senegal; SO SOM Somalia; SR SUR Suriname; SS SSD South Sudan;
ST STP Sao Tome and Principe; SV SLV El Salvador; SX SXM Sint Maarten; SY SYR Syria; SZ SWZ Eswatini;
TC TCA Turks and Caicos Islands; TD TCD Chad; TF ATF French Southern Territories; TG TGO Togo; TH THA Thailand;
TJ TJK Tajikistan; TK TKL Tokelau; TL TLS Timor-Leste; TM TKM Turkmenistan; TN TUN Tunisia; TO TON Tonga;
TR TUR Turkey; TT TTO Trinidad and Tobago; TV TUV Tuvalu; TW TWN Taiwan; TZ TZA Tanzania; UA UKR Ukraine;
UG UGA Uganda; UM UMI U.S. Outlying Islands; US USA United States; UY URY Uruguay; UZ UZB Uzbekistan;
VA VAT Vatican City; VC VCT St. Vincent and Grenadines; VE VEN Venezuela; VG VGB British Virgin Islands;
VI VIR U.S. Virgin Islands; VN VNM Vietnam; VU VUT Vanuatu; WF WLF Wallis and Futuna; WS WSM Samoa; YE YEM Yemen;
YT MYT Mayotte; ZA ZAF South Africa; ZM ZMB Zambia; ZW ZWE Zimbabwe
"""

# Further names, of which some are of a part of the country or of its past.
_FURTHER = {
    "AE": ("UAE",),
    "BO": ("Plurinational State of Bolivia",),
    "BS": ("The Bahamas",),
    "CD": ("DR Congo", "DRC"),
    "CG": ("Congo",),
    "CI": ("Ivory Coast",),
    "CN": ("People's Republic of China", "PRC"),
    "CV": ("Cabo Verde",),
    "CZ": ("Czech Republic",),
    "DE": ("West Germany", "W. Germany", "Deutschland"),
    "GB": ("UK", "U.K.", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland"),
    "GM": ("The Gambia",),
    "HK": ("Hong Kong SAR",),
    "IE": ("Republic of Ireland", "Eire"),
    "IR": ("Islamic Republic of Iran",),
    "KP": ("Democratic People's Republic of Korea", "DPRK"),
    "KR": ("Korea", "Republic of Korea"),
    "MD": ("Republic of Moldova",),
    "MK": ("Macedonia",),
    "MM": ("Burma",),
    "MO": ("Macau",),
    "NL": ("The Netherlands", "Holland"),
    "RU": ("Russian Federation",),
    "SZ": ("Swaziland",),
    "TL": ("East Timor",),
    "TR": ("Turkiye",),
    "TZ": ("United Republic of Tanzania",),
    "US": ("United States of America", "The United States", "U.S.", "U.S.A.", "America"),
    "VA": ("Holy See",),
    "VN": ("Viet Nam",),
}


def _countries() -> dict[str, tuple[str, ...]]:
    entries = " ".join(_COUNTRIES.split()).split("; ")
    named = {code: (long, name) for code, long, name in (entry.split(" ", 2) for entry in entries)}
    return {code: (*names, *_FURTHER.get(code, ())) for code, names in named.items()}


# Code to the other ways in which the country is named.
COUNTRIES = _countries()

# Postal abbreviation to the other ways in which the state, district or territory is named.
US_STATES: dict[str, tuple[str, ...]] = {
    code: tuple(names.split(", "))
    for code, names in {
        "AL": "Alabama",
        "AK": "Alaska",
        "AZ": "Arizona",
        "AR": "Arkansas",
        "CA": "California",
        "CO": "Colorado",
        "CT": "Connecticut",
        "DE": "Delaware",
        "DC": "District of Columbia, Washington DC, Washington D.C., D.C.",
        "FL": "Florida",
        "GA": "Georgia",
        "HI": "Hawaii",
        "ID": "Idaho",
        "IL": "Illinois",
        "IN": "Indiana",
        "IA": "Iowa",
        "KS": "Kansas",
        "KY": "Kentucky",
        "LA": "Louisiana",
        "ME": "Maine",
        "MD": "Maryland",
        "MA": "Massachusetts",
        "MI": "Michigan",
        "MN": "Minnesota",
        "MS": "Mississippi",
        "MO": "Missouri",
        "MT": "Montana",
        "NE": "Nebraska",
        "NV": "Nevada",
        "NH": "New Hampshire",
        "NJ": "New Jersey",
        "NM": "New Mexico",
        "NY": "New York, New York State",
        "NC": "North Carolina",
        "ND": "North Dakota",
        "OH": "Ohio",
        "OK": "Oklahoma",
        "OR": "Oregon",
        "PA": "Pennsylvania",
        "RI": "Rhode Island",
        "SC": "South Carolina",
        "SD": "South Dakota",
        "TN": "Tennessee",
        "TX": "Texas",
        "UT": "Utah",
        "VT": "Vermont",
        "VA": "Virginia",
        "WA": "Washington, Washington State",
        "WV": "West Virginia",
        "WI": "Wisconsin",
        "WY": "Wyoming",
        "AS": "American Samoa",
        "GU": "Guam",
        "MP": "Northern Mariana Islands",
        "PR": "Puerto Rico",
        "VI": "U.S. Virgin Islands, Virgin Islands",
    }.items()
}
