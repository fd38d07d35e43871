"""The words of the world: names shared by all languages, and nouns with what each language must know of them.

Tables are plain text, one entry a line, columns separated by ``|``; see the comment above each table.
"""

from __future__ import annotations


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_FEMALE = _names(
    """Anna Clara Ines Marta Lena Sofia Helena Nora Paula Rita Vera Eva Laura Julia Lucia Elisa Irene Carla Diana Emma
    Flora Greta Hanna Ida Jana Karin Lara Mira Nina Olga Petra Rosa Sara Tania Ursula Wanda Yara Zita Lan Mai"""
)
FIRST_MALE = _names(
    """Paul Bruno Carlos David Emil Felix Georg Hugo Ivan Jonas Karl Leon Marco Nuno Oscar Pedro Rafael Simon Tomas
    Victor Walter Xavier Anton Boris Dario Erik Frank Gustav Henri Jakob Luis Martin Nils Otto Peter Robert Stefan
    Tim Minh Long"""
)
LAST = _names(
    """Weber Silva Nguyen Costa Becker Tran Moreira Keller Santos Vogel Pham Ribeiro Lang Almeida Brandt Hoang Duarte
    Fischer Lemos Bauer Vu Nunes Hartmann Rocha Dang Schulz Teixeira Winter Bui Barros Richter Fonseca Doan Krause
    Pinto Ngo Lopes Jansen Araujo Huber Duong Ramos Seidel Castro Ly Moser Prado Ebert Campos Roth Dinh Freire Kraft
    Matos Busch Truong Sousa Engel Neves Falk Vieira Horn Cardoso Otten Reis Walsh Bennett Carter Dalton Ellis
    Foster Graham Hughes Irving Jarvis Kendall Lambert Mercer Norton Parker"""
)
COMPANY_HEADS = _names(
    """Alvor Bexar Cordan Delvo Ervin Faros Galtex Hondor Inova Jurva Kelmar Lumina Mavex Norda Orbis Pentax Quanta
    Rivex Solvar Tandem Ultera Velox Wendor Xandia Yorvik Zentra Arvato Belmon Cintra Dorvan Elbor Fintra Gorvel
    Helvar Istra Jaspar Kontor Lavera Monvik Nexar"""
)
COMPANY_TAILS = _names("Group Motors Foods Optics Steel Print Labs Media Tech Systems")
RIVERS = _names(
    """Orla Dalva Tessin Marna Ulva Brenta Calva Druna Elvar Fulda Garra Hulme Isara Jarva Kanda Lorna Mulda Nerva Oska
    Parda Rusa Salva Tarna Ursa Varda Wipra Yelva Zorna Arda Belva Corva Dorna Enza Furla Gilda Harla Ilma Jolda
    Kelda Luza"""
)

# English | Portuguese | German | Vietnamese; a Portuguese name that takes an article is written with it ("o Porto").
TOWNS = """Lisbon|Lisboa|Lissabon|Lisbon
Porto|o Porto|Porto|Porto
Rio de Janeiro|o Rio de Janeiro|Rio de Janeiro|Rio de Janeiro
Recife|o Recife|Recife|Recife
Vienna|Viena|Wien|Viên
Munich|Munique|München|München
Cologne|Colônia|Köln|Köln
Geneva|Genebra|Genf|Genève
Prague|Praga|Prag|Praha
Warsaw|Varsóvia|Warschau|Warszawa
Rome|Roma|Rom|Roma
Milan|Milão|Mailand|Milano
Venice|Veneza|Venedig|Venezia
Florence|Florença|Florenz|Firenze
Athens|Atenas|Athen|Athens
Moscow|Moscou|Moskau|Moskva
London|Londres|London|Luân Đôn
Beijing|Pequim|Peking|Bắc Kinh
Tokyo|Tóquio|Tokio|Tokyo
Hanoi|Hanói|Hanoi|Hà Nội
Hue|Hue|Hue|Huế
Berlin|Berlim|Berlin|Berlin
Hamburg|Hamburgo|Hamburg|Hamburg
Zurich|Zurique|Zürich|Zürich
Copenhagen|Copenhague|Kopenhagen|Copenhagen
Brussels|Bruxelas|Brüssel|Brussel
Seville|Sevilha|Sevilla|Sevilla
Dresden|Dresden|Dresden|Dresden
Salvador|Salvador|Salvador|Salvador
Oslo|Oslo|Oslo|Oslo
Madrid|Madri|Madrid|Madrid
Lima|Lima|Lima|Lima
Toronto|Toronto|Toronto|Toronto
Boston|Boston|Boston|Boston
Chicago|Chicago|Chicago|Chicago
Dublin|Dublin|Dublin|Dublin
Bergen|Bergen|Bergen|Bergen
Graz|Graz|Graz|Graz
Basel|Basileia|Basel|Basel
Bremen|Bremen|Bremen|Bremen
Leipzig|Leipzig|Leipzig|Leipzig
Coimbra|Coimbra|Coimbra|Coimbra
Braga|Braga|Braga|Braga
Faro|Faro|Faro|Faro
Natal|Natal|Natal|Natal
Manaus|Manaus|Manaus|Manaus
Kiel|Kiel|Kiel|Kiel
Vinh|Vinh|Vinh|Vinh
Dalat|Dalat|Dalat|Đà Lạt
Sydney|Sydney|Sydney|Sydney
Odense|Odense|Odense|Odense
Turin|Turim|Turin|Torino
Kyoto|Quioto|Kyoto|Kyoto
Linz|Linz|Linz|Linz
Bonn|Bonn|Bonn|Bonn
Ulm|Ulm|Ulm|Ulm"""

# English | Portuguese with article | German (with article where it has one) | Vietnamese
COUNTRIES = """Germany|a Alemanha|Deutschland|Đức
Brazil|o Brasil|Brasilien|Brazil
Portugal|Portugal|Portugal|Bồ Đào Nha
Vietnam|o Vietnã|Vietnam|Việt Nam
Switzerland|a Suíça|die Schweiz|Thụy Sĩ
Turkey|a Turquia|die Türkei|Thổ Nhĩ Kỳ
France|a França|Frankreich|Pháp
Spain|a Espanha|Spanien|Tây Ban Nha
Italy|a Itália|Italien|Ý
Japan|o Japão|Japan|Nhật Bản
China|a China|China|Trung Quốc
Austria|a Áustria|Österreich|Áo
Norway|a Noruega|Norwegen|Na Uy
Canada|o Canadá|Kanada|Canada
Greece|a Grécia|Griechenland|Hy Lạp
Poland|a Polônia|Polen|Ba Lan"""

# English singular, plural | Portuguese gender, singular, plural | German gender, singular, plural |
# Vietnamese classifier (may be empty), noun | group
NOUNS = """violin,violins|m,violino,violinos|f,Geige,Geigen|cây,vĩ cầm|instrument
guitar,guitars|m,violão,violões|f,Gitarre,Gitarren|cây,đàn ghi-ta|instrument
flute,flutes|f,flauta,flautas|f,Flöte,Flöten|cây,sáo|instrument
trumpet,trumpets|m,trompete,trompetes|f,Trompete,Trompeten|cây,kèn|instrument
piano,pianos|m,piano,pianos|n,Klavier,Klaviere|cây,dương cầm|instrument
cello,cellos|m,violoncelo,violoncelos|n,Cello,Cellos|cây,đàn xen-lô|instrument
drum,drums|m,tambor,tambores|f,Trommel,Trommeln|chiếc,trống|instrument
harp,harps|f,harpa,harpas|f,Harfe,Harfen|cây,đàn hạc|instrument
car,cars|m,carro,carros|m,Wagen,Wagen|chiếc,xe hơi|vehicle
bicycle,bicycles|f,bicicleta,bicicletas|n,Fahrrad,Fahrräder|chiếc,xe đạp|vehicle
boat,boats|m,barco,barcos|n,Boot,Boote|chiếc,thuyền|vehicle
motorbike,motorbikes|f,moto,motos|n,Motorrad,Motorräder|chiếc,xe máy|vehicle
truck,trucks|m,caminhão,caminhões|m,Lastwagen,Lastwagen|chiếc,xe tải|vehicle
table,tables|f,mesa,mesas|m,Tisch,Tische|chiếc,bàn|furniture
chair,chairs|f,cadeira,cadeiras|m,Stuhl,Stühle|chiếc,ghế|furniture
bed,beds|f,cama,camas|n,Bett,Betten|chiếc,giường|furniture
wardrobe,wardrobes|m,armário,armários|m,Schrank,Schränke|chiếc,tủ|furniture
shelf,shelves|f,estante,estantes|n,Regal,Regale|chiếc,kệ|furniture
hammer,hammers|m,martelo,martelos|m,Hammer,Hämmer|chiếc,búa|tool
saw,saws|f,serra,serras|f,Säge,Sägen|chiếc,cưa|tool
axe,axes|m,machado,machados|f,Axt,Äxte|chiếc,rìu|tool
shovel,shovels|f,pá,pás|f,Schaufel,Schaufeln|chiếc,xẻng|tool
ring,rings|m,anel,anéis|m,Ring,Ringe|chiếc,nhẫn|jewel
necklace,necklaces|m,colar,colares|f,Kette,Ketten|sợi,dây chuyền|jewel
bracelet,bracelets|f,pulseira,pulseiras|n,Armband,Armbänder|chiếc,vòng tay|jewel
dog,dogs|m,cachorro,cachorros|m,Hund,Hunde|con,chó|animal
cat,cats|m,gato,gatos|f,Katze,Katzen|con,mèo|animal
horse,horses|m,cavalo,cavalos|n,Pferd,Pferde|con,ngựa|animal
goat,goats|f,cabra,cabras|f,Ziege,Ziegen|con,dê|animal
rabbit,rabbits|m,coelho,coelhos|n,Kaninchen,Kaninchen|con,thỏ|animal
duck,ducks|m,pato,patos|f,Ente,Enten|con,vịt|animal
sheep,sheep|f,ovelha,ovelhas|n,Schaf,Schafe|con,cừu|animal
cow,cows|f,vaca,vacas|f,Kuh,Kühe|con,bò|animal
donkey,donkeys|m,burro,burros|m,Esel,Esel|con,lừa|animal
pigeon,pigeons|m,pombo,pombos|f,Taube,Tauben|con,bồ câu|animal"""

# The same columns; the last is the group the noun is the name of.
HYPERNYMS = """instrument,instruments|m,instrumento,instrumentos|n,Instrument,Instrumente|,nhạc cụ|instrument
vehicle,vehicles|m,veículo,veículos|n,Fahrzeug,Fahrzeuge|,phương tiện|vehicle
piece of furniture,pieces of furniture|m,móvel,móveis|n,Möbelstück,Möbelstücke|món,đồ nội thất|furniture
tool,tools|f,ferramenta,ferramentas|n,Werkzeug,Werkzeuge|,dụng cụ|tool
piece of jewellery,pieces of jewellery|f,joia,joias|n,Schmuckstück,Schmuckstücke|món,trang sức|jewel
animal,animals|m,animal,animais|n,Tier,Tiere|con,vật|animal"""

# English | Portuguese masculine, feminine | German masculine, feminine | Vietnamese | group
PROFESSIONS = """painter|pintor,pintora|Maler,Malerin|họa sĩ|artist
sculptor|escultor,escultora|Bildhauer,Bildhauerin|nhà điêu khắc|artist
singer|cantor,cantora|Sänger,Sängerin|ca sĩ|artist
dancer|dançarino,dançarina|Tänzer,Tänzerin|vũ công|artist
chemist|químico,química|Chemiker,Chemikerin|nhà hóa học|scientist
physicist|físico,física|Physiker,Physikerin|nhà vật lý|scientist
biologist|biólogo,bióloga|Biologe,Biologin|nhà sinh học|scientist
astronomer|astrônomo,astrônoma|Astronom,Astronomin|nhà thiên văn|scientist
baker|padeiro,padeira|Bäcker,Bäckerin|thợ làm bánh|craftsperson
carpenter|carpinteiro,carpinteira|Tischler,Tischlerin|thợ mộc|craftsperson
blacksmith|ferreiro,ferreira|Schmied,Schmiedin|thợ rèn|craftsperson
tailor|costureiro,costureira|Schneider,Schneiderin|thợ may|craftsperson
teacher|professor,professora|Lehrer,Lehrerin|giáo viên|
doctor|médico,médica|Arzt,Ärztin|bác sĩ|
lawyer|advogado,advogada|Anwalt,Anwältin|luật sư|
engineer|engenheiro,engenheira|Ingenieur,Ingenieurin|kỹ sư|
farmer|agricultor,agricultora|Landwirt,Landwirtin|nông dân|
cook|cozinheiro,cozinheira|Koch,Köchin|đầu bếp|"""
PROFESSION_HYPERNYMS = """artist|artista,artista|Künstler,Künstlerin|nghệ sĩ|artist
scientist|cientista,cientista|Wissenschaftler,Wissenschaftlerin|nhà khoa học|scientist
craftsperson|artesão,artesã|Handwerker,Handwerkerin|thợ thủ công|craftsperson"""

# English | Portuguese masculine, feminine | German stem (attributive), predicative | Vietnamese
COLOURS = """red|vermelho,vermelha|rot,rot|đỏ
blue|azul,azul|blau,blau|xanh dương
green|verde,verde|grün,grün|xanh lá
yellow|amarelo,amarela|gelb,gelb|vàng
black|preto,preta|schwarz,schwarz|đen
white|branco,branca|weiß,weiß|trắng
brown|marrom,marrom|braun,braun|nâu
grey|cinza,cinza|grau,grau|xám"""
TITLE_ADJECTIVES = """lost|perdido,perdida|verloren,verloren|thất lạc
silent|silencioso,silenciosa|still,still|im lặng
golden|dourado,dourada|golden,golden|bằng vàng
old|antigo,antiga|alt,alt|cũ
small|pequeno,pequena|klein,klein|nhỏ
dark|escuro,escura|dunkl,dunkel|tối
strange|estranho,estranha|seltsam,seltsam|kỳ lạ
hidden|escondido,escondida|verborgen,verborgen|bí mật
cold|frio,fria|kalt,kalt|lạnh giá
distant|distante,distante|fern,fern|xa xôi"""
# English | Portuguese gender, noun | German gender, noun | Vietnamese
TITLE_NOUNS = """garden|m,jardim|m,Garten|khu vườn
tower|f,torre|m,Turm|tòa tháp
island|f,ilha|f,Insel|hòn đảo
bridge|f,ponte|f,Brücke|cây cầu
forest|f,floresta|m,Wald|khu rừng
house|f,casa|n,Haus|ngôi nhà
letter|f,carta|m,Brief|bức thư
star|f,estrela|m,Stern|ngôi sao
door|f,porta|f,Tür|cánh cửa
road|f,estrada|f,Straße|con đường
mirror|m,espelho|m,Spiegel|tấm gương
winter|m,inverno|m,Winter|mùa đông
ship|m,navio|n,Schiff|con tàu
valley|m,vale|n,Tal|thung lũng"""

# English | Portuguese | German | Vietnamese: words that need no agreement.
MATERIALS = """wood|madeira|Holz|gỗ
silver|prata|Silber|bạc
gold|ouro|Gold|vàng
glass|vidro|Glas|thủy tinh
iron|ferro|Eisen|sắt
copper|cobre|Kupfer|đồng
steel|aço|Stahl|thép
plastic|plástico|Kunststoff|nhựa"""
TONGUES = """French|francês|Französisch|tiếng Pháp
German|alemão|Deutsch|tiếng Đức
Portuguese|português|Portugiesisch|tiếng Bồ Đào Nha
Vietnamese|vietnamita|Vietnamesisch|tiếng Việt
Spanish|espanhol|Spanisch|tiếng Tây Ban Nha
Italian|italiano|Italienisch|tiếng Ý
Russian|russo|Russisch|tiếng Nga
Japanese|japonês|Japanisch|tiếng Nhật
Greek|grego|Griechisch|tiếng Hy Lạp
Polish|polonês|Polnisch|tiếng Ba Lan
Arabic|árabe|Arabisch|tiếng Ả Rập"""
SUBJECTS = """physics|física|Physik|vật lý
chemistry|química|Chemie|hóa học
biology|biologia|Biologie|sinh học
history|história|Geschichte|lịch sử
music|música|Musik|âm nhạc
law|direito|Jura|luật
medicine|medicina|Medizin|y khoa
philosophy|filosofia|Philosophie|triết học
mathematics|matemática|Mathematik|toán học
geography|geografia|Geografie|địa lý"""
FOODS = """cheese|queijo|Käse|phô mai
bread|pão|Brot|bánh mì
rice|arroz|Reis|cơm
fish|peixe|Fisch|cá
soup|sopa|Suppe|súp
honey|mel|Honig|mật ong
chocolate|chocolate|Schokolade|sô-cô-la
coffee|café|Kaffee|cà phê
tea|chá|Tee|trà
milk|leite|Milch|sữa
cake|bolo|Kuchen|bánh ngọt
meat|carne|Fleisch|thịt"""
AWARDS = _names("Aurora Orion Delta Polaris Vega Atlas Iris Lumen Phoenix Corona Zenith Solaris")
MONTHS = """January|janeiro|Januar
February|fevereiro|Februar
March|março|März
April|abril|April
May|maio|Mai
June|junho|Juni
July|julho|Juli
August|agosto|August
September|setembro|September
October|outubro|Oktober
November|novembro|November
December|dezembro|Dezember"""
# English | Portuguese masculine, feminine | German | Vietnamese, from two upwards
COUNTS = """two|dois,duas|zwei|hai
three|três,três|drei|ba
four|quatro,quatro|vier|bốn
five|cinco,cinco|fünf|năm
six|seis,seis|sechs|sáu
seven|sete,sete|sieben|bảy
eight|oito,oito|acht|tám
nine|nove,nove|neun|chín"""
