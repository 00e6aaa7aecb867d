"""Sample traffic: documents that people paste into a prompt."""

from __future__ import annotations

from typing import Final

from streamgate.demo._sample_types import Sample, planted

_CV: Final = """Fasse diesen Lebenslauf in drei Sätzen zusammen:
Lebenslauf — Dr. Öykü Hartwig-Sarıgül
geboren am 3. Februar 1988 in Elmenhusen, ledig
Anschrift: Torfmoorweg 112, 24999 Wees-Nordballig
Telefon 030 23125 014, oeyk.hartwig@example.de, github.com/oykuhs
2016–2021 einzige Glockengießerin in Schleswig; Steuer-ID 86095742719"""

_LOG: Final = """Why does this fail? It worked until yesterday.
2025-05-02T09:14:07Z INFO  login user=jbrannigan77 ip=203.0.113.87 mac=00:00:5E:00:53:AF
2025-05-02T09:14:08Z DEBUG export OPENAI_API_KEY=sk-proj-Vt5mQx93LwZr07KdYpUc81HbNs62EgJa
2025-05-02T09:14:08Z DEBUG aws_access_key_id=AKIAIOSFODNN7EXAMPLE
2025-05-02T09:14:09Z ERROR smtp rejected for joss.brannigan@example.com (password=Hunter-Zebra-4419)"""

_INVOICE: Final = """Prüfen Sie bitte, ob die Rechnung stimmt, und entwerfen Sie eine Antwort.
Rechnungsempfänger: Gottlieb Przybylski, Am Alten Deichsiel 3, 26969 Butjadingen
Bankverbindung: DE89 3704 0044 0532 0130 00, Umsatzsteuer-ID DE136695976
Betrag 412,50 Euro, fällig in 14 Tagen. Rückfragen an g.przybylski@example.org."""

_BOOKING: Final = """Bonjour, je voudrais modifier ma réservation pour deux personnes.
Voyageurs : Anne-Gaëlle Kervadec, passeport 19FV48203, et sa fille Maëlys, née le 12/11/2016.
Nous partons de Plouguernével ; numéro de fidélité FB-7740-1932-08.
Vous pouvez me joindre au 06 39 98 42 17 ou à ag.kervadec@example.fr. Merci !"""

_CLAUSE: Final = """Riscrivi questa clausola in modo più semplice:
Il conduttore, sig. Ermenegildo Quattrociocchi, codice fiscale RSSMRA85T10A562S, residente in Via delle Ginestre 48, Roccafiorita,
verserà il canone sul conto IT60 X054 2811 1010 0000 0123 456 intestato alla locatrice Fiammetta Sant'Elpidio,
garante il fratello Baldovino. L'automobile targata ZX918QK resta nel cortile."""

_NOTE: Final = """Summarise for the referral letter, two sentences.
Pt Siobhán McGillicuddy-Rao, DOB 09/04/1957, NHS 943 476 5919, lives alone at 2 Tarnhollow Cottages, Nether Wexcombe.
Type 2 diabetes, HbA1c up again. Daughter Aoibhe brings her in; she is the retired lighthouse keeper of Foulness Skerry.
Seen by Dr Okonjo-Vane, bleep via 020 7946 0882."""

_COMPLAINT: Final = """Draft a neutral summary of this complaint for the works council.
I, Tunde Abiodun-Castell (staff no. P-004417), report that my line manager Hildegarde Pfannenschmidt shouted at me on 17 January 2025
in front of Wojtek from payroll. She calls me "Tunny-boy". I am the shop steward who was off with burnout last spring.
Reach me privately at tunde.ac@example.net."""

DOCUMENTS: Final = (
    Sample(
        name="document-cv",
        title="A CV in German",
        tenant="globex",
        subject="applicant-310",
        purpose="hr",
        messages=(("user", _CV),),
        planted=planted(
            PERSON="Öykü Hartwig-Sarıgül",
            DATE="3. Februar 1988",
            LOCATION="Elmenhusen",
            ADDRESS=("Torfmoorweg 112", "24999 Wees-Nordballig"),
            PHONE="030 23125 014",
            EMAIL="oeyk.hartwig@example.de",
            URL="github.com/oykuhs",
            INDIRECT="einzige Glockengießerin in Schleswig",
            TAX_ID="86095742719",
        ),
    ),
    Sample(
        name="document-log",
        title="A log excerpt with keys and a password in it",
        tenant="acme",
        subject="cust-7005",
        purpose="support",
        messages=(("user", _LOG),),
        planted=planted(
            USERNAME="jbrannigan77",
            IP_ADDRESS="203.0.113.87",
            MAC_ADDRESS="00:00:5E:00:53:AF",
            SECRET=("sk-proj-Vt5mQx93LwZr07KdYpUc81HbNs62EgJa", "AKIAIOSFODNN7EXAMPLE", "Hunter-Zebra-4419"),
            EMAIL="joss.brannigan@example.com",
        ),
    ),
    Sample(
        name="document-invoice",
        title="An invoice with an IBAN",
        tenant="acme",
        subject="cust-7006",
        purpose="support",
        messages=(("user", _INVOICE),),
        planted=planted(
            PERSON="Gottlieb Przybylski",
            ADDRESS=("Am Alten Deichsiel 3", "26969 Butjadingen"),
            IBAN="DE89 3704 0044 0532 0130 00",
            TAX_ID="DE136695976",
            EMAIL="g.przybylski@example.org",
        ),
    ),
    Sample(
        name="document-booking",
        title="A travel booking in French, with a child",
        tenant="globex",
        subject="cust-8103",
        purpose="support",
        messages=(("user", _BOOKING),),
        planted=planted(
            PERSON=("Anne-Gaëlle Kervadec", "Maëlys"),
            PASSPORT="19FV48203",
            DATE="12/11/2016",
            LOCATION="Plouguernével",
            OTHER="FB-7740-1932-08",
            PHONE="06 39 98 42 17",
            EMAIL="ag.kervadec@example.fr",
        ),
    ),
    Sample(
        name="document-contract",
        title="A contract clause in Italian",
        tenant="globex",
        subject="cust-8104",
        purpose="support",
        messages=(("user", _CLAUSE),),
        planted=planted(
            PERSON=("Ermenegildo Quattrociocchi", "Fiammetta Sant'Elpidio", "Baldovino"),
            TAX_ID="RSSMRA85T10A562S",
            ADDRESS="Via delle Ginestre 48",
            LOCATION="Roccafiorita",
            IBAN="IT60 X054 2811 1010 0000 0123 456",
            VEHICLE_ID="ZX918QK",
        ),
    ),
    Sample(
        name="document-medical-note",
        title="A medical note, with a field that only this purpose may use",
        tenant="globex",
        subject="patient-5520",
        purpose="clinical",
        messages=(("user", _NOTE),),
        context={"health_note": "Mrs McGillicuddy-Rao declines insulin; her neighbour Zebedee Thrupp objects.", "language": "en"},
        planted=planted(
            PERSON=("Siobhán McGillicuddy-Rao", "McGillicuddy-Rao", "Aoibhe", "Okonjo-Vane", "Zebedee Thrupp"),
            DATE="09/04/1957",
            HEALTH_ID="943 476 5919",
            ADDRESS="2 Tarnhollow Cottages",
            LOCATION="Nether Wexcombe",
            INDIRECT="retired lighthouse keeper of Foulness Skerry",
            PHONE="020 7946 0882",
        ),
    ),
    Sample(
        name="document-complaint",
        title="A complaint about a manager",
        tenant="globex",
        subject="employee-4417",
        purpose="hr",
        messages=(("user", _COMPLAINT),),
        planted=planted(
            PERSON=("Tunde Abiodun-Castell", "Hildegarde Pfannenschmidt", "Wojtek", "Tunny-boy"),
            OTHER="P-004417",
            DATE="17 January 2025",
            INDIRECT="shop steward who was off with burnout last spring",
            EMAIL="tunde.ac@example.net",
        ),
    ),
)
