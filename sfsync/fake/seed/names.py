"""Words that people, companies, places and talks of the seeded org are made of."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Country:
    """A country the org sells to.

    Attributes:
        name: As it stands in address fields.
        share: Share of leads, relative to the others.
        first_names: Given names.
        last_names: Family names.
        places: City, state (or empty) and the first digits of its postal codes.
        postal: Digits that follow those, `0` for a digit, `A` for a letter.
        phone: Telephone number, `0` for a digit; from ranges reserved for fiction where the country has one.
        legal_forms: What a company name ends in.
    """

    name: str
    share: float
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    places: tuple[tuple[str, str, str], ...]
    postal: str
    phone: str
    legal_forms: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _places(text: str) -> tuple[tuple[str, str, str], ...]:
    rows = (tuple(part.strip() for part in row.split("/")) for row in text.split(";"))
    return tuple((city, state, start) for city, state, start in rows)


COUNTRIES = (
    Country(
        "United States",
        34,
        _words(
            "James Mary Robert Patricia Michael Linda David Barbara Marcus Susan Joseph Jessica Aisha Thomas "
            "Karen Daniel Nancy Luis Ashley Kevin Megan Brian Tamika Eric"
        ),
        _words(
            "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Wilson Anderson Taylor "
            "Moore Jackson Martin Lee Thompson White Harris Clark Lewis Robinson Walker Young Allen Nguyen O'Neil"
        ),
        _places(
            "Columbus/OH/432; Austin/TX/787; Denver/CO/802; Atlanta/GA/303; Portland/OR/972; Boston/MA/021; "
            "Chicago/IL/606; Phoenix/AZ/850; Nashville/TN/372; Seattle/WA/981"
        ),
        "00",
        "+1 614 555 01 00",
        ("Inc.", "LLC", "Corp.", "Group", "Co.", "Partners"),
    ),
    Country(
        "United Kingdom",
        14,
        _words("Oliver Amelia Harry Isla George Ava Jack Emily Charlie Sophie Imran Grace Owen Freya Rhys Priya"),
        _words("Smith Jones Taylor Davies Evans Thomas Roberts Walker Wright Hughes Khan Patel Edwards Turner Clarke"),
        _places("London//EC1; Manchester//M1; Leeds//LS1; Bristol//BS1; Glasgow//G2; Cardiff//CF1"),
        " 0AA",
        "+44 20 7946 0000",
        ("Ltd", "plc", "LLP", "& Sons Ltd"),
    ),
    Country(
        "Germany",
        13,
        _words(
            "Lukas Anna Jonas Lea Felix Jürgen Hannah Maximilian Katrin Stefan Sabine Björn Ayşe Tobias Ulrike Jens"
        ),
        _words("Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Krüger Groß Öztürk Vogel"),
        _places("Hamburg//20; München//80; Köln//50; Stuttgart//70; Leipzig//04; Bremen//28"),
        "000",
        "+49 30 23125 000",
        ("GmbH", "AG", "GmbH & Co. KG", "KG", "SE"),
    ),
    Country(
        "France",
        8,
        _words("Louis Emma Gabriel Léa Hugo Chloé Jules Manon Étienne Inès Théo Amélie Mathieu Zoé"),
        _words("Martin Bernard Dubois Durand Moreau Laurent Lefèvre Girard Faure Rousseau Benoît D'Arcy Chevalier"),
        _places("Lyon//69; Paris//75; Lille//59; Nantes//44; Toulouse//31"),
        "000",
        "+33 1 99 00 00 00",
        ("SARL", "SA", "SAS", "et Fils"),
    ),
    Country(
        "Netherlands",
        6,
        _words("Daan Emma Sem Julia Lars Sanne Bram Fleur Thijs Anouk Joost Marieke"),
        ("de Jong", "Jansen", "de Vries", "van den Berg", "Bakker", "Visser", "Smit", "Meijer", "van Dijk", "Mulder"),
        _places("Rotterdam//30; Utrecht//35; Eindhoven//56; Zwolle//80"),
        "00 AA",
        "+31 10 555 0000",
        ("B.V.", "N.V.", "Groep"),
    ),
    Country(
        "Spain",
        4,
        _words("Hugo Lucía Mateo María Pablo Sofía Álvaro Carmen Íñigo Nuria Diego Elena"),
        ("García", "Fernández", "López", "Sánchez", "Pérez", "Gómez", "Muñoz", "Romero", "Núñez", "Ortega Ruiz"),
        _places("Valencia//46; Madrid//28; Zaragoza//50; Bilbao//48"),
        "000",
        "+34 91 555 0000",
        ("S.L.", "S.A.", "Hermanos S.L."),
    ),
    Country(
        "Italy",
        4,
        _words("Leonardo Giulia Lorenzo Aurora Matteo Chiara Andrea Francesca Niccolò Elisa"),
        _words("Rossi Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco D'Angelo"),
        _places("Milano//20; Torino//10; Bologna//40; Verona//37"),
        "000",
        "+39 02 555 0000",
        ("S.p.A.", "S.r.l."),
    ),
    Country(
        "Sweden",
        3,
        _words("Nils Alice Erik Maja Åsa Gustav Elin Oskar Linnéa Björn"),
        _words("Andersson Johansson Karlsson Nilsson Eriksson Öberg Lindström Åkesson Sjögren"),
        _places("Göteborg//41; Malmö//21; Uppsala//75"),
        "0 00",
        "+46 8 465 004 00",
        ("AB",),
    ),
    Country(
        "Canada",
        4,
        _words("Liam Olivia Noah Charlotte Étienne Zoe Ethan Maya Raj Claire"),
        _words("Tremblay Roy Singh Campbell Gagnon MacDonald Chen Bouchard Wilson Stewart"),
        _places("Toronto/ON/M5; Montréal/QC/H3; Calgary/AB/T2; Halifax/NS/B3"),
        "A 0A0",
        "+1 416 555 01 00",
        ("Inc.", "Ltd.", "Corp."),
    ),
    Country(
        "Australia",
        3,
        _words("Jack Charlotte Cooper Matilda Lachlan Ruby Angus Chloe"),
        _words("Smith Jones Nguyen Kelly Ryan Walsh Campbell Murphy"),
        _places("Brisbane/QLD/40; Melbourne/VIC/30; Perth/WA/60"),
        "00",
        "+61 2 5550 0000",
        ("Pty Ltd",),
    ),
    Country(
        "Brazil",
        4,
        _words("Miguel Helena João Alice Thiago Larissa Antônio Beatriz Conceição"),
        _words("Silva Santos Oliveira Souza Lima Pereira Araújo Gonçalves Magalhães"),
        _places("São Paulo/SP/01; Curitiba/PR/80; Recife/PE/50"),
        "000-000",
        "+55 11 5555 0000",
        ("Ltda.", "S.A."),
    ),
    Country(
        "Japan",
        3,
        _words("Haruto Yui Ren Sakura Kenji Naoko Takumi Aiko"),
        _words("Sato Suzuki Takahashi Tanaka Ito Watanabe Yamamoto Kobayashi"),
        _places("Osaka//53; Yokohama//22; Nagoya//45"),
        "0-0000",
        "+81 3 5555 0000",
        ("K.K.", "Co., Ltd."),
    ),
)

#: Invented first words of company names.
ROOTS = _words(
    "Altora Brightwell Cindervale Dunmore Eastgate Fallowfield Glenhaven Harrowgate Ironbridge Juniper Larkspur "
    "Meridian Northfold Oakhurst Pinecrest Quillon Ravenhill Silverbrook Thornbury Umberline Valewood Westmark Yarrow "
    "Zephyra Ambervale Blackthorn Copperfield Deepwater Elmstead Foxglove Greycliff Hollowell Inkwell "
    "Longacre Mossgate Nightjar Overton Penhallow Quarrybank Redfern Stonecroft Tidewater Upland Verity Windrush Axiom "
    "Borealis Corvex Dynara Equinta Ferrano Gravita Helixon Integra Jovian Kalibra Lumetra Novatik Orbitra Polaron "
    "Quantica Rivetta Solvane Tectara Unisol Vectrix Wexford Xenova Zentara Arbora Calyx Delphos Estuary Fjordline"
)

#: Industry (a value of the standard picklist) → words that name a company of it.
TRADES = {
    "Manufacturing": _words("Components Fabrication Works Castings Industrial Tooling"),
    "Retail": _words("Stores Retail Outfitters Market Trading"),
    "Transportation": _words("Logistics Freight Haulage Transport Cargo"),
    "Shipping": _words("Shipping Marine Maritime Containers"),
    "Food & Beverage": _words("Foods Bakery Beverages Dairy Provisions"),
    "Machinery": _words("Machinery Drives Pumps Robotics"),
    "Electronics": _words("Electronics Circuits Sensors Devices"),
    "Technology": _words("Software Systems Data Cloud Digital"),
    "Healthcare": _words("Health Clinics Medical Care"),
    "Chemicals": _words("Chemicals Coatings Polymers Adhesives"),
    "Construction": _words("Construction Builders Steel Concrete"),
    "Consulting": _words("Consulting Advisors Strategy"),
    "Energy": _words("Energy Solar Power Wind"),
    "Education": _words("Academy Learning Institute"),
    "Apparel": _words("Apparel Textiles Footwear"),
    "Agriculture": _words("Farms Seeds Agri Orchards"),
    "Biotechnology": _words("Biotech Genomics Labs"),
    "Media": _words("Media Publishing Studios"),
}

TITLES = (
    "Operations Manager",
    "Head of Logistics",
    "Warehouse Manager",
    "Supply Chain Director",
    "Chief Operating Officer",
    "IT Manager",
    "Purchasing Manager",
    "VP Operations",
    "Managing Director",
    "Plant Manager",
    "Process Engineer",
    "Head of IT",
    "Founder",
    "Financial Controller",
    "Fulfilment Lead",
    "Project Manager",
)

STREETS = _words("Mill Station Harbour Park Market Church Garden Bridge Castle Forest River Canal Industrial Meadow")

#: What the org sells: shelf software and scanners for warehouses.
PRODUCTS = (
    "Stock Control",
    "Scan & Track",
    "Pick Assist",
    "Yard Planner",
    "Returns Desk",
    "Stock Control rollout",
    "Scanner refresh",
    "Pilot site",
    "Second warehouse",
    "Annual licence",
)

NEEDS = (
    "Picking errors above 2 %, wants barcode checks at the packing table.",
    "Stock counts take a whole weekend; needs cycle counting.",
    "Moves to a second warehouse and needs one view of stock.",
    "Paper pick lists have to go before the season.",
    "Returns pile up for weeks, credit notes are late.",
    "Current system is out of support at the end of the year.",
    "Needs lot tracking for an audit.",
    "Wants to connect the web shop to live stock.",
    "Scanner batteries die mid-shift, looking for new devices.",
    "Yard is jammed every Monday, needs time slots for lorries.",
)

ENQUIRIES = (
    "Please send a price list.",
    "Asked for a demonstration for two people.",
    "Met at the stand, wants the case study.",
    "How does this work with our own ERP?",
    "Downloaded the buyer's guide.",
    "Wants a call back after 14:00.",
    "Recommended by a customer.",
    "Looking for a quote for 25 users.",
    "Clicked the spring campaign.",
    "Comparing three vendors, decision by quarter end.",
)

NEXT_STEPS = (
    "Send revised quote",
    "Demo with warehouse team",
    "Security questionnaire",
    "Call finance about terms",
    "Site visit",
    "Legal review of contract",
    "Reference call",
    "Agree pilot scope",
)

TASK_SUBJECTS = (
    "Call",
    "Email: introduction",
    "Send brochure",
    "Follow-up call",
    "Email: price list",
    "Demo",
    "Voicemail",
)


@cache
def ascii_slug(text: str) -> str:
    """The text in lower-case ASCII letters and digits, as it could stand in an e-mail address."""
    spelled = text.lower().replace("ß", "ss").replace("ü", "ue").replace("ö", "oe")
    plain = unicodedata.normalize("NFKD", spelled)
    return "".join(character for character in plain if character.isascii() and character.isalnum())
