"""Documents of one sentence, and questions that they answer or do not; nothing was fitted to them."""

OFFICE = {
    "hours": "The office is open from 8 am to 6 pm on weekdays.",
    "refund": "Refunds are paid within 14 days after we receive the returned item.",
    "vpn": "The VPN certificate must be renewed every 90 days.",
    "vacation": "Employees get 28 days of paid vacation a year.",
    "backup": "The backup of the database runs every night at 2 am.",
    "parking": "Parking spaces are assigned by the front desk on the first floor.",
    "invoices": "Invoices are sent to customers on the last working day of the month.",
    "coffee": "The coffee machine on the third floor is cleaned every Friday.",
}
OFFICE_ANSWERED = {
    "how many vacation days do I get": "vacation",
    "when does the database backup run": "backup",
    "how long does a refund take": "refund",
    "what are the opening hours of the office": "hours",
    "who assigns the parking spaces": "parking",
    "when do customers receive their invoices": "invoices",
    "how often do I have to renew the VPN certificate": "vpn",
    "on which day is the coffee machine cleaned": "coffee",
}
OFFICE_UNANSWERED = (
    "who is the CEO",
    "what is the wifi password",
    "how do I reset my laptop",
    "can I bring my dog to work",
    "what was the revenue last year",
    "when was the company founded",
    "how do I report a broken chair",
    "is there a gym membership",
)

HOUSE = {
    "basil": "Basil wilts when the soil dries out, so water it every morning in summer.",
    "boiler": "If the boiler shows error E9, the water pressure has dropped below one bar.",
    "bread": "The rye bread bakes for 50 minutes at 220 degrees.",
    "bins": "The paper bin is collected on the second Tuesday of the month.",
    "stairs": "The stairs were repainted in grey in 2019.",
    "fridge": "The fridge keeps its temperature for six hours after a power cut.",
    "rose": "Cut the climbing rose back to three buds at the end of February.",
    "filter": "Change the filter of the kitchen fan every three months.",
    "roof": "The roof was insulated with wood fibre before the solar panels were mounted.",
    "key": "A spare key is kept in the blue box behind the shed.",
    "soup": "Add the lentils to the soup after the carrots have softened.",
    "window": "The skylight closes by itself when it rains.",
    "meter": "The gas meter is read by the landlord every December.",
    "bike": "The tyres of the cargo bike take four bar.",
    "cat": "The cat is allergic to chicken and eats only fish.",
    "piano": "The piano is tuned twice a year, in spring and in autumn.",
}
HOUSE_ANSWERED = {
    "what does boiler error E9 mean": "boiler",
    "how long do I bake rye bread": "bread",
    "where can I find a spare key": "key",
    "how far should I prune the climbing rose": "rose",
    "when is waste paper picked up": "bins",
    "how much pressure do the cargo bike tyres need": "bike",
    "what can the cat not eat": "cat",
    "how often is the piano tuned": "piano",
    "who reads the gas meter": "meter",
    "how long does food stay cold without electricity": "fridge",
    "what insulation does the roof have": "roof",
    "when do the lentils go into the soup": "soup",
}
HOUSE_UNANSWERED = (
    "how do I remove limescale from the shower",
    "what is the phone number of the plumber",
    "when should tomatoes be planted",
    "how much does the electricity cost per month",
    "where is the fire extinguisher",
    "how do I bleed a radiator",
    "which paint was used for the bedroom",
    "is the cellar dry enough for books",
    "how many guests can sleep here",
    "what does the dog eat",
    "when is the chimney swept",
    "how do I descale the kettle",
)
