"""Sample traffic: support chats in four languages, the way people write them."""

from __future__ import annotations

from datetime import date
from typing import Final

from streamgate.demo._sample_types import Sample, planted

_FIRST_TURN: Final = (
    "Hello, I am Maria Oczkowska. I paid with 4111 1111 1111 1111 and was charged twice. "
    "Please write to maria.oczkowska@example.com or call +44 20 7946 0471."
)

_TYPOS: Final = (
    "hi its xhemile krasniqi here, my parcel never came!! i moved to 14 quillfeather lane in brackwater last week.. "
    "pls ring 07700 900461 or mail xhemile.k@example.org, my husbnad besnik is home all day, evrybody calls him besko"
)
_GERMAN: Final = (
    "Guten Tag, hier ist Maria Feichtmeyr aus Unterkrähwinkel. Mein Mann, der Bärbeli-Toni, hat die Arbeitsplatte zerkratzt. "
    "Bitte rufen Sie mich unter 0152 28817386 zurück, am besten noch vor dem 14.03.2025."
)
_SPANISH: Final = (
    "buenas, soy Iratxe Goikoetxandia, DNI 12345678Z. Mi marido Koldo y yo vivimos en la Calle Almirante Bermejo 27, 3.º B, "
    "en Zubillarreta. El contrato está a nombre de mi suegra, Doña Presentación Urrutikoa. "
    "Mi correo es iratxe.goiko@example.es, gracias"
)
_DUTCH: Final = (
    "hoi, met sjoukje van der wiersinga. jullie hebben het geld op NL91 ABNA 0417 1643 00 gestort maar dat is van mijn ex, "
    "Tjibbe. mijn bsn is 111222333 en ik woon op de Kromme Elleboogsteeg 9, 9712 GX. app me op sjoukje1984@example.nl"
)
_LOOKALIKES: Final = (
    "Your last mail greeted me as [PERSON_k7q2fa9c] and below as [PERSON_k7q2fa3c], person_k7q2fa3c and **PERSON k7q2fa3c**. "
    "My name is Thaddeus Winterbourne-Oyelaran, not that. Why does it say [LITERAL_aaaaaaaa]?"
)

SUPPORT: Final = (
    Sample(
        name="chat-en-typos",
        title="Support chat, lower case, with typos",
        tenant="acme",
        subject="cust-7001",
        purpose="support",
        messages=(
            ("system", "You are a friendly support agent. Keep it short."),
            ("user", _TYPOS),
        ),
        planted=planted(
            PERSON=("xhemile krasniqi", "besnik", "besko"),
            ADDRESS="14 quillfeather lane",
            LOCATION="brackwater",
            PHONE="07700 900461",
            EMAIL="xhemile.k@example.org",
        ),
    ),
    Sample(
        name="conversation-turn-1",
        title="Conversation, first turn",
        tenant="acme",
        subject="cust-7002",
        purpose="support",
        messages=(("user", _FIRST_TURN),),
        planted=planted(
            PERSON="Maria Oczkowska", CREDIT_CARD="4111 1111 1111 1111", EMAIL="maria.oczkowska@example.com", PHONE="+44 20 7946 0471"
        ),
    ),
    Sample(
        name="conversation-turn-2",
        title="Conversation, second turn: the same values, the same tokens",
        tenant="acme",
        subject="cust-7002",
        purpose="support",
        messages=(
            ("user", _FIRST_TURN),
            ("assistant", "I am sorry, Maria Oczkowska. I will confirm the refund to maria.oczkowska@example.com."),
            ("user", "Thank you. Please tell my son Kazimierz, he is at kaz.oczkowski@example.net, that MARIA OCZKOWSKA gets it back."),
        ),
        planted=planted(
            PERSON=("Maria Oczkowska", "MARIA OCZKOWSKA", "Kazimierz"),
            CREDIT_CARD="4111 1111 1111 1111",
            EMAIL=("maria.oczkowska@example.com", "kaz.oczkowski@example.net"),
            PHONE="+44 20 7946 0471",
        ),
    ),
    Sample(
        name="chat-de-context",
        title="Support chat in German, another Maria, with a filled context",
        tenant="acme",
        subject="cust-7003",
        purpose="support",
        messages=(("user", _GERMAN),),
        context={
            "customer_name": "Maria Feichtmeyr",
            "customer_email": "m.feichtmeyr@example.com",
            "customer_phone": "+49 152 28817386",
            "account_id": "AC-55120-77",
            "birth_date": date(1961, 8, 23),
            "postal_code": "DE-94377",
            "order_total": 31249.87,
            "card_number": "5555555555554444",
            "case_notes": "Frau Feichtmeyr hat am Telefon geweint; Nachbarin Resi Zwirnlechner hilft ihr.",
            "language": "de",
            "product": "Einbauküche K9",
            "crm_link": "https://crm.example.com/kunden/feichtmeyr-55120",
            "marketing_segment": "alleinlebend-kaufkraftschwach",
            "health_note": "Sehschwäche seit 2019",
        },
        planted=planted(
            PERSON=("Maria Feichtmeyr", "Feichtmeyr", "Bärbeli-Toni", "Resi Zwirnlechner"),
            LOCATION="Unterkrähwinkel",
            PHONE=("0152 28817386", "+49 152 28817386"),
            EMAIL="m.feichtmeyr@example.com",
            DATE=("14.03.2025", "1961-08-23"),
            account_id="AC-55120-77",
            postal_code="DE-94377",
            order_total="31249.87",
            CREDIT_CARD="5555555555554444",
            crm_link="https://crm.example.com/kunden/feichtmeyr-55120",
            marketing_segment="alleinlebend-kaufkraftschwach",
            health_note="Sehschwäche seit 2019",
        ),
    ),
    Sample(
        name="chat-es-household",
        title="Support chat in Spanish, several people",
        tenant="globex",
        subject="cust-8101",
        purpose="support",
        messages=(("user", _SPANISH),),
        planted=planted(
            PERSON=("Iratxe Goikoetxandia", "Koldo", "Presentación Urrutikoa"),
            NATIONAL_ID="12345678Z",
            ADDRESS="Calle Almirante Bermejo 27, 3.º B",
            LOCATION="Zubillarreta",
            EMAIL="iratxe.goiko@example.es",
        ),
    ),
    Sample(
        name="chat-nl-bank",
        title="Support chat in Dutch, with a bank account",
        tenant="globex",
        subject="cust-8102",
        purpose="support",
        messages=(("user", _DUTCH),),
        planted=planted(
            PERSON=("sjoukje van der wiersinga", "Tjibbe"),
            IBAN="NL91 ABNA 0417 1643 00",
            NATIONAL_ID="111222333",
            ADDRESS=("Kromme Elleboogsteeg 9", "9712 GX"),
            EMAIL="sjoukje1984@example.nl",
        ),
    ),
    Sample(
        name="chat-en-token-like",
        title="Text that looks like our own tokens",
        tenant="acme",
        subject="cust-7004",
        purpose="support",
        messages=(("user", _LOOKALIKES),),
        planted=planted(PERSON="Thaddeus Winterbourne-Oyelaran"),
    ),
)
