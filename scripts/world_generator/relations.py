# Rows are kept on one line each, so that the four languages stand together.
# ruff: noqa: E501
# fmt: off
"""What can be said in the world: every fact kind with its statements, denials and questions in four languages.

A row is one wording in English, Portuguese, German and Vietnamese; wordings of one row are translations of each other.
Rows of one list are paraphrases, or say more or less of the fact (the slots they use tell which).
"""

from __future__ import annotations

from dataclasses import dataclass

Row = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """One fact kind.

    ``slots`` maps a slot to its type; ``subject`` are the slots a fact is about; ``functional`` the slots with one true
    value each (another value contradicts); ``hyper`` a slot whose group can be named instead; ``roles`` two slots whose
    exchange changes the meaning; ``more``/``less`` compare the number in slot ``compared`` with a threshold;
    ``exclusive`` facts hold of one subject only (a novel has one author).
    """

    name: str
    slots: dict[str, str]
    subject: tuple[str, ...]
    say: tuple[Row, ...]
    deny: tuple[Row, ...]
    ask: dict[str, tuple[Row, ...]]
    functional: tuple[str, ...] = ()
    hyper: str = ""
    roles: tuple[str, ...] = ()
    more: tuple[Row, ...] = ()
    less: tuple[Row, ...] = ()
    compared: str = ""
    exclusive: bool = False


RELATIONS: tuple[Relation, ...] = (
    Relation(
        "birth",
        {"p": "person", "t": "town", "y": "early year"},
        ("p",),
        (
            ("{p} was born in {t} in {y}.", "{p} nasceu {t:em} em {y}.", "{p} wurde {y} in {t} geboren.", "{p} sinh ra ở {t} vào năm {y}."),
            ("In {y}, {p} came into the world in {t}.", "Em {y}, {p} veio ao mundo {t:em}.", "Im Jahr {y} kam {p} in {t} zur Welt.", "Năm {y}, {p} chào đời ở {t}."),
            ("{p} was born in {t}.", "{p} nasceu {t:em}.", "{p} wurde in {t} geboren.", "{p} sinh ra ở {t}."),
            ("{t} is the birthplace of {p}.", "{t:o} é a terra natal de {p}.", "{t} ist der Geburtsort von {p}.", "{t} là nơi sinh của {p}."),
            ("{p} was born in {y}.", "{p} nasceu em {y}.", "{p} wurde {y} geboren.", "{p} sinh năm {y}."),
            ("In {y}, {p} came into the world.", "Em {y}, {p} veio ao mundo.", "Im Jahr {y} kam {p} zur Welt.", "Năm {y}, {p} chào đời."),
        ),
        (
            ("{p} was not born in {t}.", "{p} não nasceu {t:em}.", "{p} wurde nicht in {t} geboren.", "{p} không sinh ra ở {t}."),
            ("{t} is not the birthplace of {p}.", "{t:o} não é a terra natal de {p}.", "{t} ist nicht der Geburtsort von {p}.", "{t} không phải là nơi sinh của {p}."),
            ("{p} was not born in {y}.", "{p} não nasceu em {y}.", "{p} wurde nicht {y} geboren.", "{p} không sinh năm {y}."),
        ),
        {
            "t": (
                ("Where was {p} born?", "Onde nasceu {p}?", "Wo wurde {p} geboren?", "{p} sinh ra ở đâu?"),
                ("In which town did {p} come into the world?", "Em que cidade {p} veio ao mundo?", "In welcher Stadt kam {p} zur Welt?", "{p} chào đời ở thành phố nào?"),
            ),
            "y": (
                ("When was {p} born?", "Quando nasceu {p}?", "Wann wurde {p} geboren?", "{p} sinh ra khi nào?"),
                ("In which year did {p} come into the world?", "Em que ano {p} veio ao mundo?", "In welchem Jahr kam {p} zur Welt?", "{p} chào đời vào năm nào?"),
            ),
            "p": (("Who was born in {t}?", "Quem nasceu {t:em}?", "Wer wurde in {t} geboren?", "Ai sinh ra ở {t}?"),),
        },
        functional=("t", "y"),
    ),
    Relation(
        "home",
        {"p": "person", "t": "town", "y": "year"},
        ("p",),
        (
            ("{p} has lived in {t} since {y}.", "{p} mora {t:em} desde {y}.", "{p} wohnt seit {y} in {t}.", "{p} sống ở {t} từ năm {y}."),
            ("Since {y}, {p} has had a home in {t}.", "Desde {y}, {p} tem uma casa {t:em}.", "Seit {y} hat {p} ein Zuhause in {t}.", "Từ năm {y}, {p} có nhà ở {t}."),
            ("{p} lives in {t}.", "{p} mora {t:em}.", "{p} wohnt in {t}.", "{p} sống ở {t}."),
            ("The home of {p} is in {t}.", "A casa de {p} fica {t:em}.", "Das Zuhause von {p} ist in {t}.", "Nhà của {p} ở {t}."),
            ("We know that {p} lives in {t}.", "Sabemos que {p} mora {t:em}.", "Wir wissen, dass {p} in {t} wohnt.", "Chúng tôi biết rằng {p} sống ở {t}."),
        ),
        (
            ("{p} does not live in {t}.", "{p} não mora {t:em}.", "{p} wohnt nicht in {t}.", "{p} không sống ở {t}."),
            ("The home of {p} is not in {t}.", "A casa de {p} não fica {t:em}.", "Das Zuhause von {p} ist nicht in {t}.", "Nhà của {p} không ở {t}."),
        ),
        {
            "t": (
                ("Where does {p} live?", "Onde mora {p}?", "Wo wohnt {p}?", "{p} sống ở đâu?"),
                ("In which town is the home of {p}?", "Em que cidade fica a casa de {p}?", "In welcher Stadt ist das Zuhause von {p}?", "Nhà của {p} ở thành phố nào?"),
            ),
            "y": (("Since when has {p} lived in {t}?", "Desde quando {p} mora {t:em}?", "Seit wann wohnt {p} in {t}?", "{p} sống ở {t} từ khi nào?"),),
            "p": (("Who lives in {t}?", "Quem mora {t:em}?", "Wer wohnt in {t}?", "Ai sống ở {t}?"),),
        },
        functional=("t",),
    ),
    Relation(
        "origin",
        {"p": "person", "c": "country"},
        ("p",),
        (
            ("{p} comes from {c}.", "{p} vem {c:de}.", "{p} kommt aus {c:dat}.", "{p} đến từ {c}."),
            ("{c} is the home country of {p}.", "{c:o} é o país de origem de {p}.", "Das Heimatland von {p} ist {c}.", "{c} là quê hương của {p}."),
            ("The family of {p} comes from {c}, too.", "A família de {p} também vem {c:de}.", "Auch die Familie von {p} kommt aus {c:dat}.", "Gia đình của {p} cũng đến từ {c}."),
        ),
        (
            ("{p} does not come from {c}.", "{p} não vem {c:de}.", "{p} kommt nicht aus {c:dat}.", "{p} không đến từ {c}."),
            ("{c} is not the home country of {p}.", "{c:o} não é o país de origem de {p}.", "Das Heimatland von {p} ist nicht {c}.", "{c} không phải là quê hương của {p}."),
        ),
        {
            "c": (
                ("Where does {p} come from?", "De onde vem {p}?", "Woher kommt {p}?", "{p} đến từ đâu?"),
                ("What is the home country of {p}?", "Qual é o país de origem de {p}?", "Was ist das Heimatland von {p}?", "Quê hương của {p} là nước nào?"),
            ),
            "p": (("Who comes from {c}?", "Quem vem {c:de}?", "Wer kommt aus {c:dat}?", "Ai đến từ {c}?"),),
        },
        functional=("c",),
    ),
    Relation(
        "job",
        {"p": "person", "j": "profession", "t": "town"},
        ("p",),
        (
            ("{p} works as {j:a} in {t}.", "{p} trabalha como {j} {t:em}.", "{p} arbeitet in {t} als {j}.", "{p} làm {j} ở {t}."),
            ("{p} works as {j:a}.", "{p} trabalha como {j}.", "{p} arbeitet als {j}.", "{p} làm {j}."),
            ("{p} is {j:a} by profession.", "{p} é {j} de profissão.", "{p} ist {j} von Beruf.", "Nghề của {p} là {j}."),
            ("It is said that {p} is a good {j}.", "Dizem que {p} é {p?um bom|uma boa} {j}.", "Man sagt, dass {p} {p?ein guter|eine gute} {j} ist.", "Người ta nói rằng {p} là một {j} giỏi."),
        ),
        (
            ("{p} does not work as {j:a}.", "{p} não trabalha como {j}.", "{p} arbeitet nicht als {j}.", "{p} không làm {j}."),
            ("{p} is not {j:a}.", "{p} não é {j}.", "{p} ist {p?kein|keine} {j}.", "{p} không phải là {j}."),
        ),
        {
            "j": (
                ("What is the profession of {p}?", "Qual é a profissão de {p}?", "Was ist {p} von Beruf?", "Nghề của {p} là gì?"),
                ("What does {p} work as?", "Em que profissão {p} trabalha?", "Als was arbeitet {p}?", "{p} làm nghề gì?"),
            ),
            "p": (("Who works as {j:a}?", "Quem trabalha como {j}?", "Wer arbeitet als {j}?", "Ai làm {j}?"),),
            "t": (("In which town does {p} work?", "Em que cidade {p} trabalha?", "In welcher Stadt arbeitet {p}?", "{p} làm việc ở thành phố nào?"),),
        },
        functional=("j",),
        hyper="j",
    ),
    Relation(
        "employer",
        {"p": "person", "c": "company", "y": "year"},
        ("p",),
        (
            ("{p} has worked for {c} since {y}.", "{p} trabalha para {c} desde {y}.", "{p} arbeitet seit {y} für {c}.", "{p} làm việc cho {c} từ năm {y}."),
            ("{p} works for {c}.", "{p} trabalha para {c}.", "{p} arbeitet für {c}.", "{p} làm việc cho {c}."),
            ("{p} is employed by {c}.", "{p} está {p?empregado|empregada} {c:em}.", "{p} ist bei {c} angestellt.", "{p} là nhân viên của {c}."),
            ("{c} pays {p} a salary.", "{c} paga um salário a {p}.", "{c} zahlt {p} ein Gehalt.", "{c} trả lương cho {p}."),
        ),
        (
            ("{p} does not work for {c}.", "{p} não trabalha para {c}.", "{p} arbeitet nicht für {c}.", "{p} không làm việc cho {c}."),
            ("{p} is not employed by {c}.", "{p} não está {p?empregado|empregada} {c:em}.", "{p} ist nicht bei {c} angestellt.", "{p} không phải là nhân viên của {c}."),
        ),
        {
            "c": (
                ("Which company does {p} work for?", "Para que empresa {p} trabalha?", "Für welche Firma arbeitet {p}?", "{p} làm việc cho công ty nào?"),
                ("Who is the employer of {p}?", "Quem é o empregador de {p}?", "Wer ist der Arbeitgeber von {p}?", "Nơi làm việc của {p} là công ty nào?"),
            ),
            "p": (
                ("Who works for {c}?", "Quem trabalha para {c}?", "Wer arbeitet für {c}?", "Ai làm việc cho {c}?"),
                ("Who is employed by {c}?", "Quem está empregado {c:em}?", "Wer ist bei {c} angestellt?", "Ai là nhân viên của {c}?"),
            ),
        },
        functional=("c",),
    ),
    Relation(
        "instrument",
        {"p": "person", "i": "instrument"},
        ("p",),
        (
            ("{p} plays {i:play}.", "{p} toca {i:play}.", "{p} spielt {i:play}.", "{p} chơi {i:play}."),
            ("{p} has learned to play {i:play}.", "{p} aprendeu a tocar {i:play}.", "{p} hat gelernt, {i:play} zu spielen.", "{p} đã học chơi {i:play}."),
            ("Every evening {p} practises {i:play}.", "Toda noite {p} pratica {i:play}.", "Jeden Abend übt {p} {i:play}.", "Mỗi tối {p} luyện {i:play}."),
        ),
        (
            ("{p} does not play {i:play}.", "{p} não toca {i:noplay}.", "{p} spielt {i:kein.a}.", "{p} không chơi {i:noplay}."),
            ("{p} has never learned to play {i:play}.", "{p} nunca aprendeu a tocar {i:play}.", "{p} hat nie gelernt, {i:play} zu spielen.", "{p} chưa bao giờ học chơi {i:play}."),
        ),
        {
            "i": (
                ("Which instrument does {p} play?", "Que instrumento {p} toca?", "Welches Instrument spielt {p}?", "{p} chơi nhạc cụ nào?"),
                ("What has {p} learned to play?", "O que {p} aprendeu a tocar?", "Was hat {p} zu spielen gelernt?", "{p} đã học chơi gì?"),
            ),
            "p": (("Who plays {i:play}?", "Quem toca {i:play}?", "Wer spielt {i:play}?", "Ai chơi {i:play}?"),),
        },
        hyper="i",
    ),
    Relation(
        "tongue",
        {"p": "person", "l": "tongue"},
        ("p",),
        (
            ("{p} speaks {l}.", "{p} fala {l}.", "{p} spricht {l}.", "{p} nói {l}."),
            ("{p} is able to speak {l}.", "{p} sabe falar {l}.", "{p} kann {l} sprechen.", "{p} biết nói {l}."),
            ("At home, {p} talks in {l}.", "Em casa, {p} conversa em {l}.", "Zu Hause redet {p} auf {l}.", "Ở nhà, {p} trò chuyện bằng {l}."),
        ),
        (
            ("{p} does not speak {l}.", "{p} não fala {l}.", "{p} spricht kein {l}.", "{p} không nói {l}."),
            ("{p} is not able to speak {l}.", "{p} não sabe falar {l}.", "{p} kann kein {l} sprechen.", "{p} không biết nói {l}."),
        ),
        {
            "l": (
                ("Which language does {p} speak?", "Que língua {p} fala?", "Welche Sprache spricht {p}?", "{p} nói ngôn ngữ nào?"),
                ("In which language does {p} talk?", "Em que língua {p} conversa?", "In welcher Sprache redet {p}?", "{p} trò chuyện bằng ngôn ngữ nào?"),
            ),
            "p": (("Who speaks {l}?", "Quem fala {l}?", "Wer spricht {l}?", "Ai nói {l}?"),),
        },
    ),
    Relation(
        "study",
        {"p": "person", "s": "subject", "t": "town"},
        ("p",),
        (
            ("{p} studied {s} in {t}.", "{p} estudou {s} {t:em}.", "{p} hat in {t} {s} studiert.", "{p} đã học {s} ở {t}."),
            ("At the university of {t}, {p} studied {s}.", "Na universidade {t:de}, {p} estudou {s}.", "An der Universität von {t} studierte {p} {s}.", "Tại trường đại học ở {t}, {p} đã học {s}."),
            ("{p} studied {s}.", "{p} estudou {s}.", "{p} hat {s} studiert.", "{p} đã học {s}."),
            ("{p} has a degree in {s}.", "{p} é {p?formado|formada} em {s}.", "{p} hat einen Abschluss in {s}.", "{p} có bằng {s}."),
        ),
        (
            ("{p} did not study {s}.", "{p} não estudou {s}.", "{p} hat nicht {s} studiert.", "{p} không học {s}."),
            ("{p} does not have a degree in {s}.", "{p} não é {p?formado|formada} em {s}.", "{p} hat keinen Abschluss in {s}.", "{p} không có bằng {s}."),
        ),
        {
            "s": (
                ("What did {p} study?", "O que {p} estudou?", "Was hat {p} studiert?", "{p} đã học ngành gì?"),
                ("In which subject does {p} have a degree?", "Em que área {p} é {p?formado|formada}?", "In welchem Fach hat {p} einen Abschluss?", "{p} có bằng ngành gì?"),
            ),
            "t": (("Where did {p} study?", "Onde estudou {p}?", "Wo hat {p} studiert?", "{p} đã học ở đâu?"),),
            "p": (("Who studied {s}?", "Quem estudou {s}?", "Wer hat {s} studiert?", "Ai đã học {s}?"),),
        },
    ),
    Relation(
        "purchase",
        {"p": "person", "o": "ware", "q": "person", "m": "money"},
        ("p", "q"),
        (
            ("{p} bought {o:a} from {q} for {m}.", "{p} comprou {o:um} de {q} por {m}.", "{p} kaufte {o:ein.a} von {q} für {m}.", "{p} mua {o:một} từ {q} với giá {m}."),
            ("{q} sold {p} {o:a} for {m}.", "{q} vendeu {o:um} a {p} por {m}.", "{q} verkaufte {p} {o:ein.a} für {m}.", "{q} bán cho {p} {o:một} với giá {m}."),
            ("{p} bought {o:a} from {q}.", "{p} comprou {o:um} de {q}.", "{p} kaufte {o:ein.a} von {q}.", "{p} mua {o:một} từ {q}."),
            ("{q} sold {p} {o:a}.", "{q} vendeu {o:um} a {p}.", "{q} verkaufte {p} {o:ein.a}.", "{q} bán cho {p} {o:một}."),
            ("{p} has bought {o:a}.", "{p} já comprou {o:um}.", "{p} hat {o:ein.a} gekauft.", "{p} đã mua {o:một}."),
        ),
        (
            ("{p} did not buy {o:a}.", "{p} não comprou {o:nenhum}.", "{p} hat {o:kein.a} gekauft.", "{p} không mua {o:cl} nào."),
            ("{p} never bought {o:a} from anybody.", "{p} nunca comprou {o:um} de ninguém.", "{p} hat nie von jemandem {o:ein.a} gekauft.", "{p} chưa bao giờ mua {o:cl} của ai."),
        ),
        {
            "o": (
                ("What did {p} buy?", "O que {p} comprou?", "Was hat {p} gekauft?", "{p} đã mua gì?"),
                ("What did {q} sell?", "O que {q} vendeu?", "Was hat {q} verkauft?", "{q} đã bán gì?"),
            ),
            "p": (
                ("Who bought {o:a}?", "Quem comprou {o:um}?", "Wer hat {o:ein.a} gekauft?", "Ai đã mua {o:một}?"),
                ("To whom did {q} sell {o:the}?", "A quem {q} vendeu {o:o}?", "Wem hat {q} {o:der.a} verkauft?", "{q} đã bán {o:cl} cho ai?"),
            ),
            "q": (
                ("From whom did {p} buy {o:the}?", "De quem {p} comprou {o:o}?", "Von wem hat {p} {o:der.a} gekauft?", "{p} đã mua {o:cl} từ ai?"),
                ("Who sold {o:the}?", "Quem vendeu {o:o}?", "Wer hat {o:der.a} verkauft?", "Ai đã bán {o:cl}?"),
            ),
            "m": (
                ("How much did {p} pay for {o:the}?", "Quanto {p} pagou {o:por}?", "Wie viel hat {p} für {o:der.a} bezahlt?", "{p} đã trả bao nhiêu cho {o:cl}?"),
                ("At what price did {q} sell {o:the}?", "Por que preço {q} vendeu {o:o}?", "Zu welchem Preis hat {q} {o:der.a} verkauft?", "{q} đã bán {o:cl} với giá bao nhiêu?"),
            ),
        },
        hyper="o",
        roles=("p", "q"),
        more=(("{p} paid more than {m} for {o:the}.", "{p} pagou mais de {m} {o:por}.", "{p} hat für {o:der.a} mehr als {m} bezahlt.", "{p} đã trả hơn {m} cho {o:cl}."),),
        less=(("{p} paid less than {m} for {o:the}.", "{p} pagou menos de {m} {o:por}.", "{p} hat für {o:der.a} weniger als {m} bezahlt.", "{p} đã trả ít hơn {m} cho {o:cl}."),),
        compared="m",
    ),
    Relation(
        "colour",
        {"p": "person", "o": "ware", "k": "colour"},
        ("p", "o"),
        (
            ("{p} has {o:a+k}.", "{p} tem {o:um+k}.", "{p} hat {o:ein.a+k}.", "{p} có {o:một+k}."),
            ("The {o} of {p} is {k}.", "{o:o} de {p} é {k@o}.", "{o:der.n} von {p} ist {k}.", "{o:cl} của {p} màu {k}."),
            ("Yesterday {p} came with {o:a+k}.", "Ontem {p} veio com {o:um+k}.", "Gestern kam {p} mit {o:ein.d+k}.", "Hôm qua {p} đến với {o:một+k}."),
        ),
        (
            ("The {o} of {p} is not {k}.", "{o:o} de {p} não é {k@o}.", "{o:der.n} von {p} ist nicht {k}.", "{o:cl} của {p} không có màu {k}."),
            ("{p} does not have {o:a+k}.", "{p} não tem {o:um+k}.", "{p} hat {o:kein.a+k}.", "{p} không có {o:cl+k}."),
        ),
        {
            "k": (
                ("What colour is the {o} of {p}?", "De que cor é {o:o} de {p}?", "Welche Farbe hat {o:der.n} von {p}?", "{o:cl} của {p} có màu gì?"),
                ("Which colour does the {o} have?", "Que cor tem {o:o}?", "Welche Farbe hat {o:der.n}?", "{o:cl} có màu nào?"),
            ),
            "p": (("Who has {o:a+k}?", "Quem tem {o:um+k}?", "Wer hat {o:ein.a+k}?", "Ai có {o:một+k}?"),),
        },
        functional=("k",),
    ),
    Relation(
        "material",
        {"p": "person", "o": "ware", "x": "material"},
        ("p", "o"),
        (
            ("The {o} of {p} is made of {x}.", "{o:o} de {p} é {o?feito|feita} de {x}.", "{o:der.n} von {p} ist aus {x}.", "{o:cl} của {p} làm bằng {x}."),
            ("{p} owns {o:a} of {x}.", "{p} possui {o:um} de {x}.", "{p} besitzt {o:ein.a} aus {x}.", "{p} sở hữu {o:một} bằng {x}."),
            ("{p} keeps {o:a} of {x} at home.", "{p} guarda {o:um} de {x} em casa.", "{p} bewahrt {o:ein.a} aus {x} zu Hause auf.", "{p} cất giữ {o:một} bằng {x} ở nhà."),
        ),
        (
            ("The {o} of {p} is not made of {x}.", "{o:o} de {p} não é {o?feito|feita} de {x}.", "{o:der.n} von {p} ist nicht aus {x}.", "{o:cl} của {p} không làm bằng {x}."),
            ("{p} does not own {o:a} of {x}.", "{p} não possui {o:um} de {x}.", "{p} besitzt {o:kein.a} aus {x}.", "{p} không sở hữu {o:cl} bằng {x}."),
        ),
        {
            "x": (
                ("What is the {o} of {p} made of?", "De que é {o?feito|feita} {o:o} de {p}?", "Woraus ist {o:der.n} von {p}?", "{o:cl} của {p} làm bằng gì?"),
                ("Of which material is the {o}?", "De que material é {o:o}?", "Aus welchem Material ist {o:der.n}?", "{o:cl} làm bằng vật liệu nào?"),
            ),
            "p": (("Who owns {o:a} of {x}?", "Quem possui {o:um} de {x}?", "Wer besitzt {o:ein.a} aus {x}?", "Ai sở hữu {o:một} bằng {x}?"),),
        },
        functional=("x",),
    ),
    Relation(
        "award",
        {"p": "person", "a": "award", "y": "year"},
        ("p",),
        (
            ("{p} won the {a} in {y}.", "{p} ganhou o {a} em {y}.", "{p} gewann {y} den {a}.", "{p} giành được {a} vào năm {y}."),
            ("In {y}, the {a} went to {p}.", "Em {y}, o {a} foi para {p}.", "Im Jahr {y} ging der {a} an {p}.", "Năm {y}, {a} được trao cho {p}."),
            ("{p} won the {a}.", "{p} ganhou o {a}.", "{p} hat den {a} gewonnen.", "{p} đã giành được {a}."),
            ("The {a} was given to {p}.", "O {a} foi entregue a {p}.", "Der {a} wurde an {p} verliehen.", "Người nhận {a} là {p}."),
        ),
        (
            ("{p} did not win the {a}.", "{p} não ganhou o {a}.", "{p} hat den {a} nicht gewonnen.", "{p} không giành được {a}."),
            ("The {a} was not given to {p}.", "O {a} não foi entregue a {p}.", "Der {a} wurde nicht an {p} verliehen.", "Người nhận {a} không phải là {p}."),
        ),
        {
            "a": (
                ("Which prize did {p} win?", "Que prêmio {p} ganhou?", "Welchen Preis hat {p} gewonnen?", "{p} đã giành được giải thưởng nào?"),
                ("What was given to {p}?", "O que foi entregue a {p}?", "Was wurde an {p} verliehen?", "Giải thưởng nào được trao cho {p}?"),
            ),
            "p": (
                ("Who won the {a}?", "Quem ganhou o {a}?", "Wer hat den {a} gewonnen?", "Ai đã giành được {a}?"),
                ("To whom was the {a} given?", "A quem foi entregue o {a}?", "An wen wurde der {a} verliehen?", "Người nhận {a} là ai?"),
            ),
            "y": (("When did {p} win the {a}?", "Quando {p} ganhou o {a}?", "Wann hat {p} den {a} gewonnen?", "{p} đã giành được {a} khi nào?"),),
        },
        exclusive=True,
    ),
    Relation(
        "author",
        {"p": "person", "b": "title", "y": "year"},
        ("p",),
        (
            ("{p} wrote the novel \"{b}\" in {y}.", "{p} escreveu o romance \"{b}\" em {y}.", "{p} schrieb {y} den Roman \"{b}\".", "{p} viết tiểu thuyết \"{b}\" vào năm {y}."),
            ("The novel \"{b}\" was written by {p} in {y}.", "O romance \"{b}\" foi escrito por {p} em {y}.", "Der Roman \"{b}\" wurde {y} von {p} geschrieben.", "Tiểu thuyết \"{b}\" được {p} viết vào năm {y}."),
            ("{p} wrote the novel \"{b}\".", "{p} escreveu o romance \"{b}\".", "{p} hat den Roman \"{b}\" geschrieben.", "{p} đã viết tiểu thuyết \"{b}\"."),
            ("{p} is the author of \"{b}\".", "{p} é {p?o autor|a autora} de \"{b}\".", "{p} ist {p?der Autor|die Autorin} von \"{b}\".", "{p} là tác giả của \"{b}\"."),
        ),
        (
            ("{p} did not write the novel \"{b}\".", "{p} não escreveu o romance \"{b}\".", "{p} hat den Roman \"{b}\" nicht geschrieben.", "{p} không viết tiểu thuyết \"{b}\"."),
            ("{p} is not the author of \"{b}\".", "{p} não é {p?o autor|a autora} de \"{b}\".", "{p} ist nicht {p?der Autor|die Autorin} von \"{b}\".", "{p} không phải là tác giả của \"{b}\"."),
        ),
        {
            "b": (
                ("Which novel did {p} write?", "Que romance {p} escreveu?", "Welchen Roman hat {p} geschrieben?", "{p} đã viết tiểu thuyết nào?"),
                ("Of which book is {p} the author?", "De que livro {p} é {p?autor|autora}?", "Von welchem Buch ist {p} {p?der Autor|die Autorin}?", "{p} là tác giả của cuốn sách nào?"),
            ),
            "p": (
                ("Who wrote the novel \"{b}\"?", "Quem escreveu o romance \"{b}\"?", "Wer hat den Roman \"{b}\" geschrieben?", "Ai đã viết tiểu thuyết \"{b}\"?"),
                ("Who is the author of \"{b}\"?", "Quem é o autor de \"{b}\"?", "Wer ist der Autor von \"{b}\"?", "Ai là tác giả của \"{b}\"?"),
            ),
            "y": (("When was the novel \"{b}\" written?", "Quando foi escrito o romance \"{b}\"?", "Wann wurde der Roman \"{b}\" geschrieben?", "Tiểu thuyết \"{b}\" được viết khi nào?"),),
        },
        exclusive=True,
    ),
    Relation(
        "marriage",
        {"p": "person", "q": "person", "y": "year", "t": "town"},
        ("p", "q"),
        (
            ("{p} married {q} in {t}.", "{p} casou-se com {q} {t:em}.", "{p} hat {q} in {t} geheiratet.", "{p} kết hôn với {q} ở {t}."),
            ("{p} and {q} got married in {y}.", "{p} e {q} casaram-se em {y}.", "{p} und {q} haben {y} geheiratet.", "{p} và {q} kết hôn vào năm {y}."),
            ("In {y}, {p} married {q}.", "Em {y}, {p} casou-se com {q}.", "Im Jahr {y} heiratete {p} {q}.", "Năm {y}, {p} kết hôn với {q}."),
            ("The wedding of {p} and {q} was in {t}.", "O casamento de {p} e {q} foi {t:em}.", "Die Hochzeit von {p} und {q} war in {t}.", "Đám cưới của {p} và {q} diễn ra ở {t}."),
            ("The wedding of {p} and {q} was in {y}.", "O casamento de {p} e {q} foi em {y}.", "Die Hochzeit von {p} und {q} war im Jahr {y}.", "Đám cưới của {p} và {q} diễn ra vào năm {y}."),
        ),
        (
            ("{p} and {q} did not get married in {y}.", "{p} e {q} não se casaram em {y}.", "{p} und {q} haben nicht {y} geheiratet.", "{p} và {q} không kết hôn vào năm {y}."),
            ("The wedding of {p} and {q} was not in {t}.", "O casamento de {p} e {q} não foi {t:em}.", "Die Hochzeit von {p} und {q} war nicht in {t}.", "Đám cưới của {p} và {q} không diễn ra ở {t}."),
        ),
        {
            "q": (("Who is married to {p}?", "Quem é casado com {p}?", "Wer ist mit {p} verheiratet?", "Ai đã kết hôn với {p}?"),),
            "p": (("Who got married to {q}?", "Com quem {q} se casou?", "Wen hat {q} geheiratet?", "{q} kết hôn với ai?"),),
            "y": (("In which year was the wedding of {p}?", "Em que ano foi o casamento de {p}?", "In welchem Jahr war die Hochzeit von {p}?", "Đám cưới của {p} diễn ra vào năm nào?"),),
            "t": (("Where did {p} get married?", "Onde {p} se casou?", "Wo hat {p} geheiratet?", "{p} kết hôn ở đâu?"),),
        },
        functional=("y", "t"),
        exclusive=True,
    ),
    Relation(
        "age",
        {"p": "person", "q": "person"},
        ("p", "q"),
        (
            ("{p} is older than {q}.", "{p} é mais {p?velho|velha} que {q}.", "{p} ist älter als {q}.", "{p} lớn tuổi hơn {q}."),
            ("{q} is younger than {p}.", "{q} é mais {q?novo|nova} que {p}.", "{q} ist jünger als {p}.", "{q} trẻ hơn {p}."),
            ("{p} was born before {q}.", "{p} nasceu antes de {q}.", "{p} wurde vor {q} geboren.", "{p} sinh ra trước {q}."),
            ("{q} was born after {p}.", "{q} nasceu depois de {p}.", "{q} wurde nach {p} geboren.", "{q} sinh ra sau {p}."),
        ),
        (
            ("{p} is not older than {q}.", "{p} não é mais {p?velho|velha} que {q}.", "{p} ist nicht älter als {q}.", "{p} không lớn tuổi hơn {q}."),
            ("{q} is not younger than {p}.", "{q} não é mais {q?novo|nova} que {p}.", "{q} ist nicht jünger als {p}.", "{q} không trẻ hơn {p}."),
        ),
        {
            "p": (("Who is older than {q}?", "Quem é mais velho que {q}?", "Wer ist älter als {q}?", "Ai lớn tuổi hơn {q}?"),),
            "q": (("Who is younger than {p}?", "Quem é mais novo que {p}?", "Wer ist jünger als {p}?", "Ai trẻ hơn {p}?"),),
        },
        roles=("p", "q"),
    ),
    Relation(
        "teaching",
        {"p": "person", "q": "person", "s": "subject"},
        ("p", "q"),
        (
            ("{p} taught {q} {s}.", "{p} ensinou {s} a {q}.", "{p} hat {q} in {s} unterrichtet.", "{p} đã dạy {s} cho {q}."),
            ("{q} was taught {s} by {p}.", "{q} aprendeu {s} com {p}.", "{q} wurde von {p} in {s} unterrichtet.", "{q} được {p} dạy {s}."),
            ("In {s}, {q} was a pupil of {p}.", "Em {s}, {q} foi {q?aluno|aluna} de {p}.", "In {s} war {q} {q?ein Schüler|eine Schülerin} von {p}.", "Về môn {s}, {q} là học trò của {p}."),
        ),
        (
            ("{p} did not teach {q} {s}.", "{p} não ensinou {s} a {q}.", "{p} hat {q} nicht in {s} unterrichtet.", "{p} không dạy {s} cho {q}."),
            ("{q} was not taught {s} by {p}.", "{q} não aprendeu {s} com {p}.", "{q} wurde nicht von {p} in {s} unterrichtet.", "{q} không được {p} dạy {s}."),
        ),
        {
            "p": (
                ("Who taught {q}?", "Quem ensinou {q}?", "Wer hat {q} unterrichtet?", "Ai đã dạy {q}?"),
                ("Whose pupil was {q}?", "{q} foi {q?aluno|aluna} de quem?", "Wessen {q?Schüler|Schülerin} war {q}?", "{q} là học trò của ai?"),
            ),
            "q": (
                ("Whom did {p} teach?", "A quem {p} deu aulas?", "Wen hat {p} unterrichtet?", "{p} đã dạy ai?"),
                ("Who was a pupil of {p}?", "Quem foi aluno de {p}?", "Wer war ein Schüler von {p}?", "Ai là học trò của {p}?"),
            ),
            "s": (("What did {p} teach {q}?", "O que {p} ensinou a {q}?", "Worin hat {p} {q} unterrichtet?", "{p} đã dạy {q} môn gì?"),),
        },
        roles=("p", "q"),
    ),
    Relation(
        "pets",
        {"p": "person", "n": "count", "a": "animal"},
        ("p",),
        (
            ("{p} owns {n} {a:pl}.", "{p} tem {n@a} {a:pl}.", "{p} besitzt {n} {a:pl}.", "{p} nuôi {n} {a:cl}."),
            ("There are {n} {a:pl} in the garden of {p}.", "No jardim de {p} há {n@a} {a:pl}.", "Im Garten von {p} gibt es {n} {a:pl}.", "Trong vườn của {p} có {n} {a:cl}."),
            ("Every day {p} feeds {n} {a:pl}.", "Todos os dias {p} alimenta {n@a} {a:pl}.", "Jeden Tag füttert {p} {n} {a:pl}.", "Mỗi ngày {p} cho {n} {a:cl} ăn."),
        ),
        (
            ("{p} does not own any {a:pl}.", "{p} não tem {a:nenhum}.", "{p} besitzt keine {a:pl}.", "{p} không nuôi {a:cl} nào."),
            ("There are no {a:pl} in the garden of {p}.", "No jardim de {p} não há {a:nenhum}.", "Im Garten von {p} gibt es keine {a:pl}.", "Trong vườn của {p} không có {a:cl} nào."),
        ),
        {
            "a": (
                ("Which animals does {p} own?", "Que animais {p} tem?", "Welche Tiere besitzt {p}?", "{p} nuôi những con vật nào?"),
                ("What is in the garden of {p}?", "O que há no jardim de {p}?", "Was gibt es im Garten von {p}?", "Trong vườn của {p} có những con gì?"),
            ),
            "n": (
                ("How many {a:pl} does {p} own?", "{a?Quantos|Quantas} {a:pl} {p} tem?", "Wie viele {a:pl} besitzt {p}?", "{p} nuôi bao nhiêu {a:cl}?"),
                ("How many {a:pl} are there in the garden?", "{a?Quantos|Quantas} {a:pl} há no jardim?", "Wie viele {a:pl} gibt es im Garten?", "Trong vườn có bao nhiêu {a:cl}?"),
            ),
            "p": (("Who owns {n} {a:pl}?", "Quem tem {n@a} {a:pl}?", "Wer besitzt {n} {a:pl}?", "Ai nuôi {n} {a:cl}?"),),
        },
        functional=("n",),
        hyper="a",
    ),
    Relation(
        "taste",
        {"p": "person", "f": "food"},
        ("p",),
        (
            ("{p} likes {f}.", "{p} gosta de {f}.", "{p} mag {f}.", "{p} thích {f}."),
            ("{p} is fond of {f}.", "{p} adora {f}.", "{p} hat {f} gern.", "{p} rất ưa {f}."),
            ("For breakfast, {p} gladly has {f}.", "No café da manhã, {p} consome {f} com prazer.", "Zum Frühstück nimmt {p} gern {f}.", "Vào bữa sáng, {p} thích dùng {f}."),
        ),
        (
            ("{p} does not like {f}.", "{p} não gosta de {f}.", "{p} mag {f} nicht.", "{p} không thích {f}."),
            ("{p} hates {f}.", "{p} detesta {f}.", "{p} hasst {f}.", "{p} ghét {f}."),
        ),
        {
            "f": (
                ("What does {p} like?", "De que {p} gosta?", "Was mag {p}?", "{p} thích gì?"),
                ("What is {p} fond of?", "O que {p} adora?", "Was hat {p} gern?", "{p} rất ưa gì?"),
            ),
            "p": (("Who likes {f}?", "Quem gosta de {f}?", "Wer mag {f}?", "Ai thích {f}?"),),
        },
    ),
    Relation(
        "founding",
        {"c": "company", "p": "person", "y": "early year"},
        ("c",),
        (
            ("{c} was founded by {p} in {y}.", "{c} foi fundada por {p} em {y}.", "{c} wurde {y} von {p} gegründet.", "{c} được {p} thành lập vào năm {y}."),
            ("In {y}, {p} set up {c}.", "Em {y}, {p} criou {c}.", "Im Jahr {y} rief {p} {c} ins Leben.", "Năm {y}, {p} lập ra {c}."),
            ("{p} founded {c}.", "{p} fundou {c}.", "{p} hat {c} gegründet.", "{p} đã thành lập {c}."),
            ("{p} is the founder of {c}.", "{p} é {p?o fundador|a fundadora} {c:de}.", "{p} ist {p?der Gründer|die Gründerin} von {c}.", "{p} là người sáng lập {c}."),
            ("{c} was founded in {y}.", "{c} foi fundada em {y}.", "{c} wurde {y} gegründet.", "{c} được thành lập vào năm {y}."),
            ("{c} has existed since {y}.", "{c} existe desde {y}.", "{c} besteht seit {y}.", "{c} tồn tại từ năm {y}."),
        ),
        (
            ("{p} did not found {c}.", "{p} não fundou {c}.", "{p} hat {c} nicht gegründet.", "{p} không thành lập {c}."),
            ("{c} was not founded by {p}.", "{c} não foi fundada por {p}.", "{c} wurde nicht von {p} gegründet.", "{c} không được {p} thành lập."),
            ("{c} was not founded in {y}.", "{c} não foi fundada em {y}.", "{c} wurde nicht {y} gegründet.", "{c} không được thành lập vào năm {y}."),
        ),
        {
            "p": (
                ("Who founded {c}?", "Quem fundou {c}?", "Wer hat {c} gegründet?", "Ai đã thành lập {c}?"),
                ("Who set up {c}?", "Quem criou {c}?", "Wer rief {c} ins Leben?", "Ai đã lập ra {c}?"),
            ),
            "y": (
                ("When was {c} founded?", "Quando foi fundada {c}?", "Wann wurde {c} gegründet?", "{c} được thành lập khi nào?"),
                ("Since when has {c} existed?", "Desde quando existe {c}?", "Seit wann besteht {c}?", "{c} tồn tại từ khi nào?"),
            ),
            "c": (("Which company did {p} found?", "Que empresa {p} fundou?", "Welche Firma hat {p} gegründet?", "{p} đã thành lập công ty nào?"),),
        },
        functional=("p", "y"),
    ),
    Relation(
        "seat",
        {"c": "company", "t": "town"},
        ("c",),
        (
            ("{c} is based in {t}.", "{c} tem sede {t:em}.", "{c} hat ihren Sitz in {t}.", "{c} có trụ sở ở {t}."),
            ("The head office of {c} is in {t}.", "O escritório central {c:de} fica {t:em}.", "Die Zentrale von {c} befindet sich in {t}.", "Văn phòng chính của {c} nằm ở {t}."),
            ("Everybody knows that {c} is based in {t}.", "Todos sabem que {c} tem sede {t:em}.", "Alle wissen, dass {c} in {t} ihren Sitz hat.", "Ai cũng biết rằng {c} có trụ sở ở {t}."),
        ),
        (
            ("{c} is not based in {t}.", "{c} não tem sede {t:em}.", "{c} hat ihren Sitz nicht in {t}.", "{c} không có trụ sở ở {t}."),
            ("The head office of {c} is not in {t}.", "O escritório central {c:de} não fica {t:em}.", "Die Zentrale von {c} befindet sich nicht in {t}.", "Văn phòng chính của {c} không nằm ở {t}."),
        ),
        {
            "t": (
                ("Where is {c} based?", "Onde {c} tem sede?", "Wo hat {c} ihren Sitz?", "{c} có trụ sở ở đâu?"),
                ("In which town is the head office of {c}?", "Em que cidade fica o escritório central {c:de}?", "In welcher Stadt befindet sich die Zentrale von {c}?", "Văn phòng chính của {c} nằm ở thành phố nào?"),
            ),
            "c": (("Which company is based in {t}?", "Que empresa tem sede {t:em}?", "Welche Firma hat ihren Sitz in {t}?", "Công ty nào có trụ sở ở {t}?"),),
        },
        functional=("t",),
    ),
    Relation(
        "staff",
        {"c": "company", "n": "number"},
        ("c",),
        (
            ("{c} has {n} employees.", "{c} tem {n} funcionários.", "{c} hat {n} Mitarbeiter.", "{c} có {n} nhân viên."),
            ("{n} people work for {c}.", "{n} pessoas trabalham para {c}.", "{n} Menschen arbeiten für {c}.", "{n} người làm việc cho {c}."),
            ("Today {c} employs {n} people.", "Hoje {c} emprega {n} pessoas.", "Heute beschäftigt {c} {n} Menschen.", "Hiện nay {c} thuê {n} người."),
        ),
        (
            ("{c} does not have {n} employees.", "{c} não tem {n} funcionários.", "{c} hat nicht {n} Mitarbeiter.", "{c} không có {n} nhân viên."),
            ("{c} does not employ {n} people.", "{c} não emprega {n} pessoas.", "{c} beschäftigt nicht {n} Menschen.", "{c} không thuê {n} người."),
        ),
        {
            "n": (
                ("How many employees does {c} have?", "Quantos funcionários tem {c}?", "Wie viele Mitarbeiter hat {c}?", "{c} có bao nhiêu nhân viên?"),
                ("How many people work for {c}?", "Quantas pessoas trabalham para {c}?", "Wie viele Menschen arbeiten für {c}?", "Bao nhiêu người làm việc cho {c}?"),
            ),
            "c": (("Which company has {n} employees?", "Que empresa tem {n} funcionários?", "Welche Firma hat {n} Mitarbeiter?", "Công ty nào có {n} nhân viên?"),),
        },
        functional=("n",),
        more=(
            ("{c} has more than {n} employees.", "{c} tem mais de {n} funcionários.", "{c} hat mehr als {n} Mitarbeiter.", "{c} có hơn {n} nhân viên."),
            ("More than {n} people work for {c}.", "Mais de {n} pessoas trabalham para {c}.", "Mehr als {n} Menschen arbeiten für {c}.", "Hơn {n} người làm việc cho {c}."),
        ),
        less=(
            ("{c} has fewer than {n} employees.", "{c} tem menos de {n} funcionários.", "{c} hat weniger als {n} Mitarbeiter.", "{c} có ít hơn {n} nhân viên."),
            ("Fewer than {n} people work for {c}.", "Menos de {n} pessoas trabalham para {c}.", "Weniger als {n} Menschen arbeiten für {c}.", "Ít hơn {n} người làm việc cho {c}."),
        ),
        compared="n",
    ),
    Relation(
        "product",
        {"c": "company", "o": "ware"},
        ("c",),
        (
            ("{c} makes {o:pl}.", "{c} fabrica {o:pl}.", "{c} stellt {o:pl} her.", "{c} sản xuất {o}."),
            ("The factory of {c} produces {o:pl}.", "A fábrica {c:de} produz {o:pl}.", "Die Fabrik von {c} produziert {o:pl}.", "Nhà máy của {c} làm ra {o}."),
            ("{c} is a manufacturer of {o:pl}.", "{c} é uma fabricante de {o:pl}.", "{c} ist ein Hersteller von {o:pl.d}.", "{c} là nhà sản xuất {o}."),
        ),
        (
            ("{c} does not make {o:pl}.", "{c} não fabrica {o:pl}.", "{c} stellt keine {o:pl} her.", "{c} không sản xuất {o}."),
            ("The factory of {c} does not produce {o:pl}.", "A fábrica {c:de} não produz {o:pl}.", "Die Fabrik von {c} produziert keine {o:pl}.", "Nhà máy của {c} không làm ra {o}."),
        ),
        {
            "o": (
                ("What does {c} make?", "O que {c} fabrica?", "Was stellt {c} her?", "{c} sản xuất gì?"),
                ("What does the factory of {c} produce?", "O que a fábrica {c:de} produz?", "Was produziert die Fabrik von {c}?", "Nhà máy của {c} làm ra gì?"),
            ),
            "c": (
                ("Which company makes {o:pl}?", "Que empresa fabrica {o:pl}?", "Welche Firma stellt {o:pl} her?", "Công ty nào sản xuất {o}?"),
                ("Who is a manufacturer of {o:pl}?", "Quem é fabricante de {o:pl}?", "Wer ist ein Hersteller von {o:pl.d}?", "Nhà sản xuất {o} là công ty nào?"),
            ),
        },
        hyper="o",
    ),
    Relation(
        "takeover",
        {"c": "company", "d": "company", "y": "year"},
        ("c", "d"),
        (
            ("{c} took over {d} in {y}.", "{c} adquiriu {d} em {y}.", "{c} hat {d} im Jahr {y} übernommen.", "{c} mua lại {d} vào năm {y}."),
            ("In {y}, {d} was taken over by {c}.", "Em {y}, {d} foi adquirida {c:por}.", "Im Jahr {y} wurde {d} von {c} übernommen.", "Năm {y}, {d} bị {c} mua lại."),
            ("{d} belongs to {c}.", "{d} pertence à {c:bare}.", "{d} gehört {c}.", "{d} thuộc về {c}."),
            ("{c} is the owner of {d}.", "{c} é a dona {d:de}.", "{c} ist der Eigentümer von {d}.", "{c} là chủ sở hữu của {d}."),
        ),
        (
            ("{c} did not take over {d}.", "{c} não adquiriu {d}.", "{c} hat {d} nicht übernommen.", "{c} không mua lại {d}."),
            ("{d} does not belong to {c}.", "{d} não pertence à {c:bare}.", "{d} gehört nicht {c}.", "{d} không thuộc về {c}."),
        ),
        {
            "c": (
                ("Who is the owner of {d}?", "Quem é a dona {d:de}?", "Wer ist der Eigentümer von {d}?", "Công ty nào là chủ sở hữu của {d}?"),
                ("To which company does {d} belong?", "A que empresa pertence {d}?", "Welcher Firma gehört {d}?", "{d} thuộc về công ty nào?"),
            ),
            "d": (("Which company did {c} take over?", "Que empresa {c} adquiriu?", "Welche Firma hat {c} übernommen?", "{c} đã mua lại công ty nào?"),),
            "y": (("When was {d} taken over?", "Quando {d} foi adquirida?", "Wann wurde {d} übernommen?", "{d} bị mua lại khi nào?"),),
        },
        roles=("c", "d"),
        exclusive=True,
    ),
    Relation(
        "opening",
        {"c": "company", "t": "town", "e": "date"},
        ("c",),
        (
            ("{c} opened a shop in {t} on {e}.", "{c} abriu uma loja {t:em} em {e}.", "{c} hat am {e} ein Geschäft in {t} eröffnet.", "{c} mở một cửa hàng ở {t} vào {e}."),
            ("On {e}, a shop of {c} was opened in {t}.", "Em {e}, uma loja {c:de} foi aberta {t:em}.", "Am {e} wurde in {t} ein Geschäft von {c} eröffnet.", "Vào {e}, một cửa hàng của {c} được mở ở {t}."),
            ("The shop of {c} opened its doors on {e}.", "A loja {c:de} abriu as portas em {e}.", "Das Geschäft von {c} öffnete am {e} die Türen.", "Cửa hàng của {c} mở cửa vào {e}."),
        ),
        (("The shop of {c} was not opened on {e}.", "A loja {c:de} não foi aberta em {e}.", "Das Geschäft von {c} wurde nicht am {e} eröffnet.", "Cửa hàng của {c} không được mở vào {e}."),),
        {
            "e": (
                ("When was the shop of {c} opened?", "Quando foi aberta a loja {c:de}?", "Wann wurde das Geschäft von {c} eröffnet?", "Cửa hàng của {c} được mở khi nào?"),
                ("On which day did {c} open a shop?", "Em que dia {c} abriu uma loja?", "An welchem Tag hat {c} ein Geschäft eröffnet?", "{c} mở cửa hàng vào ngày nào?"),
            ),
            "t": (("Where did {c} open a shop?", "Onde {c} abriu uma loja?", "Wo hat {c} ein Geschäft eröffnet?", "{c} mở một cửa hàng ở đâu?"),),
            "c": (("Which company opened a shop in {t}?", "Que empresa abriu uma loja {t:em}?", "Welche Firma hat in {t} ein Geschäft eröffnet?", "Công ty nào mở một cửa hàng ở {t}?"),),
        },
        functional=("e",),
    ),
    Relation(
        "course",
        {"r": "river", "t": "town"},
        ("r",),
        (
            ("{r} flows through {t}.", "O rio {r:bare} passa {t:por}.", "{r} fließt durch {t}.", "{r} chảy qua {t}."),
            ("{t} lies on {r}.", "{t:o} fica às margens do rio {r:bare}.", "{t} liegt an {r:dat}.", "{t} nằm bên {r}."),
            ("In {t}, many bridges cross {r}.", "Muitas pontes cruzam o rio {r:bare} {t:em}.", "In {t} führen viele Brücken über {r}.", "Ở {t}, nhiều cây cầu bắc qua {r}."),
        ),
        (
            ("{r} does not flow through {t}.", "O rio {r:bare} não passa {t:por}.", "{r} fließt nicht durch {t}.", "{r} không chảy qua {t}."),
            ("{t} does not lie on {r}.", "{t:o} não fica às margens do rio {r:bare}.", "{t} liegt nicht an {r:dat}.", "{t} không nằm bên {r}."),
        ),
        {
            "t": (
                ("Which town does {r} flow through?", "Por que cidade passa o rio {r:bare}?", "Durch welche Stadt fließt {r}?", "{r} chảy qua thành phố nào?"),
                ("Which town lies on {r}?", "Que cidade fica às margens do rio {r:bare}?", "Welche Stadt liegt an {r:dat}?", "Thành phố nào nằm bên {r}?"),
            ),
            "r": (
                ("Which river flows through {t}?", "Que rio passa {t:por}?", "Welcher Fluss fließt durch {t}?", "Con sông nào chảy qua {t}?"),
                ("On which river does {t} lie?", "Às margens de que rio fica {t}?", "An welchem Fluss liegt {t}?", "{t} nằm bên con sông nào?"),
            ),
        },
    ),
    Relation(
        "length",
        {"r": "river", "n": "number"},
        ("r",),
        (
            ("{r} is {n} kilometres long.", "O rio {r:bare} tem {n} quilômetros de extensão.", "{r} ist {n} Kilometer lang.", "{r} dài {n} ki-lô-mét."),
            ("The length of {r} is {n} kilometres.", "O comprimento do rio {r:bare} é de {n} quilômetros.", "Die Länge {r:dat} beträgt {n} Kilometer.", "Chiều dài của {r} là {n} ki-lô-mét."),
            ("From source to mouth, {r} measures {n} kilometres.", "Da nascente à foz, o rio {r:bare} mede {n} quilômetros.", "Von der Quelle bis zur Mündung misst {r} {n} Kilometer.", "Từ nguồn đến cửa sông, {r} đo được {n} ki-lô-mét."),
        ),
        (
            ("{r} is not {n} kilometres long.", "O rio {r:bare} não tem {n} quilômetros de extensão.", "{r} ist nicht {n} Kilometer lang.", "{r} không dài {n} ki-lô-mét."),
            ("The length of {r} is not {n} kilometres.", "O comprimento do rio {r:bare} não é de {n} quilômetros.", "Die Länge {r:dat} beträgt nicht {n} Kilometer.", "Chiều dài của {r} không phải là {n} ki-lô-mét."),
        ),
        {
            "n": (
                ("How long is {r}?", "Qual é a extensão do rio {r:bare}?", "Wie lang ist {r}?", "{r} dài bao nhiêu?"),
                ("How many kilometres does {r} measure?", "Quantos quilômetros mede o rio {r:bare}?", "Wie viele Kilometer misst {r}?", "{r} đo được bao nhiêu ki-lô-mét?"),
            ),
            "r": (("Which river is {n} kilometres long?", "Que rio tem {n} quilômetros de extensão?", "Welcher Fluss ist {n} Kilometer lang?", "Con sông nào dài {n} ki-lô-mét?"),),
        },
        functional=("n",),
        more=(("{r} is more than {n} kilometres long.", "O rio {r:bare} tem mais de {n} quilômetros de extensão.", "{r} ist mehr als {n} Kilometer lang.", "{r} dài hơn {n} ki-lô-mét."),),
        less=(("{r} is less than {n} kilometres long.", "O rio {r:bare} tem menos de {n} quilômetros de extensão.", "{r} ist weniger als {n} Kilometer lang.", "{r} dài dưới {n} ki-lô-mét."),),
        compared="n",
    ),
    Relation(
        "bridge",
        {"r": "river", "c": "company", "y": "year"},
        ("r",),
        (
            ("{c} built a bridge over {r} in {y}.", "{c} construiu uma ponte sobre o rio {r:bare} em {y}.", "{c} hat {y} eine Brücke über {r} gebaut.", "{c} xây một cây cầu qua {r} vào năm {y}."),
            ("In {y}, a bridge over {r} was built by {c}.", "Em {y}, uma ponte sobre o rio {r:bare} foi construída {c:por}.", "Im Jahr {y} wurde von {c} eine Brücke über {r} gebaut.", "Năm {y}, một cây cầu qua {r} được {c} xây dựng."),
            ("The builder of the bridge over {r} is {c}.", "A construtora da ponte sobre o rio {r:bare} é {c}.", "Der Erbauer der Brücke über {r} ist {c}.", "Đơn vị xây cây cầu qua {r} là {c}."),
        ),
        (("The bridge over {r} was not built by {c}.", "A ponte sobre o rio {r:bare} não foi construída {c:por}.", "Die Brücke über {r} wurde nicht von {c} gebaut.", "Cây cầu qua {r} không phải do {c} xây."),),
        {
            "c": (
                ("Who built the bridge over {r}?", "Quem construiu a ponte sobre o rio {r:bare}?", "Wer hat die Brücke über {r} gebaut?", "Công ty nào xây cây cầu qua {r}?"),
                ("Who is the builder of the bridge over {r}?", "Quem é a construtora da ponte sobre o rio {r:bare}?", "Wer ist der Erbauer der Brücke über {r}?", "Đơn vị xây cây cầu qua {r} là công ty nào?"),
            ),
            "y": (("When was the bridge over {r} built?", "Quando foi construída a ponte sobre o rio {r:bare}?", "Wann wurde die Brücke über {r} gebaut?", "Cây cầu qua {r} được xây khi nào?"),),
            "r": (("Over which river did {c} build a bridge?", "Sobre que rio {c} construiu uma ponte?", "Über welchen Fluss hat {c} eine Brücke gebaut?", "{c} xây cây cầu qua con sông nào?"),),
        },
        functional=("c",),
    ),
)
