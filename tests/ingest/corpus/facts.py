"""Files of every format, each with a sentence that nothing else says, the question for it, and how it is cited."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from resift.tests.ingest.corpus.code_files import SOURCES
from resift.tests.ingest.corpus.writers import (
    FILLER,
    archive,
    epub,
    mail,
    mailbox,
    notebook,
    old_workbook,
    pdf,
    slides,
    table,
    word,
    workbook,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A file that answers a question; `words` are in the passage that does."""

    name: str
    data: bytes
    question: str
    words: str
    source: str
    """Its citation; if that is the name alone, the lines that are cited have to hold the words."""
    documents: int = 1
    """How many documents the file holds."""
    encoding: str = "utf-8"


def fact(
    name: str,
    text: str | bytes,
    question: str,
    *,
    words: str,
    at: str = "",
    documents: int = 1,
    encoding: str = "utf-8",
) -> Fact:
    """Return a fact; `at` follows the name of the file in the citation, as in ":p.2" or "/inner.md:1-3"."""
    data = text.encode(encoding) if isinstance(text, str) else text
    return Fact(
        name=name,
        data=data,
        question=question,
        words=words,
        source=f"{name}{at}",
        documents=documents,
        encoding=encoding,
    )


LONG = " ".join([FILLER] * 6)
"""Enough that a page, slide or sheet of it is a passage of its own."""


def _lines(before: int, text: str) -> str:
    """Return a text on the line after `before` others, each a paragraph."""
    return "".join(f"Paragraph {number} is about nothing much.\n\n" for number in range(before // 2)) + text + "\n"


_MARKDOWN = f"# Gardens\n\n{FILLER}\n\n## Quince\n\nThe quince in the walled garden was grafted in 1887.\n"
_HTML = (
    f"<html><head><title>Bridges</title></head>\n<body><h1>Old</h1>\n<p>{FILLER}</p>\n<h2>New</h2>\n"
    "<p>The iron bridge at Lenn carries carts of up to three tonnes.</p>\n</body></html>\n"
)
_RST = f"Kilns\n=====\n\n{FILLER}\n\nLime\n----\n\nLime burns in the kiln for seventy hours at a stretch.\n"
_BIRDS = [
    ["species", "pairs"],
    ["Arctic tern", 412],
    *([f"bird of the kind number {number}", number] for number in range(30)),
]
_ROWS = [["station", "warden", "depth"], ["Orla", "Petrie", 12], ["Skarn", "Magnusdottir", 845]]

PAPERS = (
    fact(
        "report.pdf",
        pdf(LONG, "The lighthouse at Ardmore flashes twice every nine seconds. " + LONG, LONG),
        "how often does the lighthouse at Ardmore flash",
        words="twice every nine seconds",
        at=":p.2",
    ),
    fact(
        "manual.docx",
        word("Copper kettles are descaled with citric acid every March."),
        "what are copper kettles descaled with",
        words="citric acid",
    ),
    fact(
        "talk.pptx",
        slides(LONG, LONG, "Puffins return to the northern cliffs in the last week of April. " + LONG),
        "when do puffins return to the cliffs",
        words="last week of April",
        at=":p.3",
    ),
    fact(
        "speech.pptx",
        slides(LONG, LONG, notes="Remember to thank the harbour master of Tobermory for the crane."),
        "who has to be thanked for the crane",
        words="harbour master of Tobermory",
        at=":p.2",
    ),
    fact(
        "survey.xlsx",
        workbook(
            {"Notes": [["remark"], *[[FILLER]] * 6], "Birds": [["species", "pairs"], ["Arctic tern", 412], *_BIRDS]}
        ),
        "how many pairs of Arctic terns were counted",
        words="412",
        at=":p.2",
    ),
    fact(
        "ledger.xls",
        old_workbook("Sales", [["customer", "barrels of tar"], ["Lindqvist shipyard", 77]]),
        "barrels of tar bought by the Lindqvist shipyard",
        words="77",
        at=":p.1",
    ),
    fact(
        "coasts.epub",
        epub(LONG, f"The tidal mill of Rance grinds buckwheat at ebb only. {LONG}"),
        "what does the tidal mill of Rance grind",
        words="buckwheat at ebb",
        at=":p.2",
    ),
)

TEXTS = (
    fact("garden.md", _MARKDOWN, "when was the quince grafted", words="1887"),
    fact("bridges.html", _HTML, "what may the iron bridge at Lenn carry", words="three tonnes"),
    fact("kilns.rst", _RST, "how long does lime burn in the kiln", words="seventy hours"),
    fact(
        "diary.txt",
        _lines(40, "On the ninth day the barometer fell to 952 millibars."),
        "how low did the barometer fall on the ninth day",
        words="952 millibars",
    ),
    fact(
        "thesis.tex",
        "\\section{Salt}\n\nRock salt from Cardona melts road ice down to minus eleven degrees.\n",
        "down to which temperature does rock salt from Cardona melt ice",
        words="minus eleven",
    ),
    fact(
        "guide.adoc",
        "= Wool\n\nHerdwick wool keeps its warmth when it is soaked.\n",
        "which wool stays warm when it is wet",
        words="Herdwick",
    ),
    fact(
        "plan.org",
        "* Bees\n\nThe hives at Corran are moved to the heather on the first of August.\n",
        "when are the hives at Corran moved to the heather",
        words="first of August",
    ),
    fact(
        "server.log",
        "2024-05-01 10:00 started\n2024-05-01 10:05 ERROR turbine seven tripped on overspeed\n",
        "why did turbine seven trip",
        words="overspeed",
    ),
    fact(
        "utf16.txt",
        "Cranberries float because of four pockets of air.",
        "why do cranberries float",
        words="pockets of air",
        encoding="utf-16",
    ),
    fact(
        "sjis.txt",
        "灯台は三浦半島の先端にあります。霧の日には鐘を鳴らします。\n" * 8,
        "灯台はどこにありますか",
        words="三浦半島",
        encoding="shift_jis",
    ),
    fact(
        "latin.txt",
        "Le café du port ferme à minuit, et la crêperie près de l'église à onze heures passées. L'été, "
        "le marché aux poissons ouvre dès l'aube, là où les pêcheurs déchargent.\n",
        "à quelle heure ferme le café du port",
        words="minuit",
        encoding="latin-1",
    ),
    fact(
        "name\nwith a newline.md",
        "# Ropes\n\nHemp ropes are tarred before they go to sea.\n",
        "what is done to hemp ropes before they go to sea",
        words="tarred",
    ),
    fact(
        "naïve 文書.md",
        "# Ink\n\nOak galls and iron make an ink that darkens for a year.\n",
        "which ink darkens for a year",
        words="Oak galls",
    ),
)

DATA = (
    fact(
        "station.json",
        json.dumps({"station": {"name": "Eystra", "anemometer": "cup type, replaced in 2019"}}, indent=1),
        "type of the anemometer of station Eystra",
        words="cup type",
    ),
    fact(
        "people.jsonl",
        "".join(
            json.dumps({"id": id_, "title": title, "text": text}) + "\n"
            for id_, title, text in [
                ("a", "Baker", FILLER),
                ("b", "Cooper", "Ishbel the cooper bends ash staves over a fire of shavings."),
            ]
        ),
        "how does the cooper bend staves",
        words="fire of shavings",
        at="/b:2",
        documents=2,
    ),
    fact("wells.csv", table(_ROWS), "who is the warden of Skarn", words="Magnusdottir"),
    fact(
        "ferries.tsv",
        table([["ferry", "capacity"], ["Hebridean", 98], ["Loch Ness monster", 3]], "\t"),
        "capacity of the ferry Hebridean",
        words="98",
    ),
    fact(
        "ragged.csv",
        "peak,height,first climbed\nStorr,719\nSgurr Alasdair,992,1873,by Nicolson,extra\n",
        "when was Sgurr Alasdair first climbed",
        words="1873",
    ),
    fact(
        "lens.ipynb",
        notebook(
            ("markdown", f"# Lenses\n\n{FILLER}"), ("code", "# a Fresnel lens of the second order\nfocal_mm = 700")
        ),
        "focal length of the Fresnel lens of the second order",
        words="focal_mm = 700",
    ),
    fact(
        "order.eml",
        bytes(
            mail(
                "Order of slates",
                "We need four hundred Welsh slates by Whitsun.",
                {"note.md": b"# Nails\n\nNails are of bronze.\n"},
            )
        ),
        "how many Welsh slates are needed by Whitsun",
        words="four hundred",
        documents=2,
    ),
    fact(
        "crew.mbox",
        mailbox(mail("Hello", FILLER), mail("Anchor", "The kedge anchor is stowed under the port bench.")),
        "where is the kedge anchor stowed",
        words="under the port bench",
        at="/Anchor@example.org.eml",
        documents=2,
    ),
    fact(
        "bundle.zip",
        archive(
            {
                "inner/peat.md": b"# Peat\n\nPeat is cut in May and stacked for six weeks.\n",
                "inner/deep.zip": archive({"moss.txt": b"Sphagnum moss dressed wounds in the war."}),
                "plan.pdf": pdf("The dry dock was pumped empty in nineteen hours."),
                "photo.raw": b"\0\1\2",
            }
        ),
        "how long did it take to pump the dry dock empty",
        words="nineteen hours",
        at="/plan.pdf:p.1",
        documents=3,
    ),
)


def _code() -> Iterator[Fact]:
    for each in SOURCES.removeprefix("== ").split("\n== "):
        head, _, text = each.partition("\n")
        name, question, words = head.split(" | ")
        yield fact(name, f"{text}\n", question, words=words)


CODE = tuple(_code())

FACTS = (*PAPERS, *TEXTS, *DATA, *CODE)
