"""Words of many Wikipedias by which sections, pages and links are told apart.

Dumps name their namespaces, but not the words that editors use by custom: which sections only list sources, which
templates mark a disambiguation page. An unknown language loses little: citations and link lists are also recognised
by
their markup (see :mod:`filters.wikitext`).
"""

from __future__ import annotations

import re


def _words(table: str) -> frozenset[str]:
    return frozenset(word.strip().casefold() for line in table.split("\n") for word in line.split(";") if word.strip())


SOURCE_HEADINGS = _words("""
references; reference; notes; note; footnotes; endnotes; citations; cited works; works cited; cited sources; sources
external links; external link; links; weblinks; web links; web resources; online resources; further reading; reading
see also; related topics; related articles; related pages; bibliography; selected bibliography; references cited
general references; general sources; primary sources; secondary sources; notes and citations; literature cited
other websites; other pages; image gallery; gallery; photo gallery; picture gallery; footnotes and references
literature; additional reading; suggested reading; recommended reading; explanatory notes; general bibliography
Einzelnachweise; Weblinks; Literatur; Siehe auch; Quellen; Anmerkungen; Fußnoten; Belege; Bildergalerie; Galerie
Notes et références; Références; Liens externes; Lien externe; Voir aussi; Bibliographie; Articles connexes; Annexes
Notes; Sources; Galerie; Liens; Lectures complémentaires
Referencias; Enlaces externos; Véase también; Bibliografía; Notas; Fuentes; Notas y referencias; Galería; Enlaces
Note; Bibliografia; Voci correlate; Altri progetti; Collegamenti esterni; Riferimenti; Fonti; Galleria d'immagini
Referências; Ligações externas; Ver também; Bibliografia; Notas; Fontes; Notas e referências; Galeria
Leitura adicional
Referencies; Enllaços externs; Vegeu també; Referències; Vexe tamién; Enllaces externos; Ligazóns externas
Véxase tamén
Referenties; Bronnen; Externe links; Externe link; Zie ook; Literatuur; Noten; Voetnoten
Bronnen, noten en/of referenties
Przypisy; Bibliografia; Linki zewnętrzne; Zobacz też; Uwagi; Źródła; Galeria
Примечания; Ссылки; Литература; См. также; Источники; Библиография; Галерея; Комментарии; Сноски
Примітки; Посилання; Література; Див. також; Джерела; Виноски; Галерея; Бібліографія
Източници; Външни препратки; Вижте също; Бележки; Литература; Бележки и източници; Библиография; Галерия; Препратки
Напомене; Референце; Спољашње везе; Види још; Извори; Литература; Надворешни врски; Наводи; Поврзано; Крыніцы
Спасылкі
Зноскі; Літаратура; Гл. таксама
Izvori; Vanjske poveznice; Vidi još; Literatura; Reference; Napomene; Spoljašnje veze; Vidi također; Viri
Zunanje povezave
Glej tudi; Sklici; Opombe; Poveznice
Reference; Odkazy; Externí odkazy; Související články; Literatura; Poznámky; Prameny; Galerie; Referencie
Externé odkazy
Pozri aj; Iné projekty; Poznámky a referencie; Zdroj; Zdroje
Referenser; Källor; Externa länkar; Se även; Noter; Litteratur; Fotnoter; Vidare läsning; Källförteckning
Referanser; Eksterne lenker; Se også; Litteratur; Kilder; Fotnoter; Noter; Eksterne henvisninger; Kjelder
Bakgrunnsstoff
Eksterne lenkjer; Sjå òg; Referansar; Henvisninger; Heimildir; Tilvísanir; Tenglar; Tengt efni
Lähteet; Viitteet; Aiheesta muualla; Katso myös; Kirjallisuutta; Ulkoiset linkit; Kirjallisuus
Viited; Välislingid; Vaata ka; Kirjandus; Allikad
Atsauces; Ārējās saites; Skatīt arī; Literatūra; Piezīmes; Avoti; Atsauces un piezīmes
Šaltiniai; Nuorodos; Taip pat skaitykite; Literatūra; Išnašos; Pastabos; Išorinės nuorodos; Susiję straipsniai
Nūruodis; Nūruodes; Verīs taipoš; Verīs taipat; Izavierīņs; Uorejuos nūruodis; Olūti; Atsaucis; Teiklavītys; Galereja
Bibliografeja; Literatura; Pīzeimis
Jegyzetek; Források; További információk; Külső hivatkozások; Lásd még; Irodalom; Kapcsolódó szócikkek; Hivatkozások
Note; Referințe; Legături externe; Vezi și; Bibliografie; Surse; Lectură suplimentară; Note și referințe
Kaynakça; Dış bağlantılar; Ayrıca bakınız; Notlar; Kaynaklar; Dipnotlar; Konuyla ilgili yayınlar; İstinadlar
Xarici keçidlər
Həmçinin bax; Mənbə; Manbalar; Havolalar
Παραπομπές; Εξωτερικοί σύνδεσμοι; Δείτε επίσης; Βιβλιογραφία; Πηγές; Σημειώσεις; Υποσημειώσεις
Referime; Lidhje të jashtme; Shih edhe; Burimet; Erreferentziak; Kanpo estekak; Ikus, gainera; Bibliografia
Naslagwerke; Bronnelys; Eksterne skakels; Sien ook; Verwysings; Tagairtí; Naisc sheachtracha; Cyfeiriadau
Dolenni allanol
הערות שוליים; קישורים חיצוניים; ראו גם; לקריאה נוספת; מקורות; ביבליוגרפיה
مراجع; المراجع; وصلات خارجية; انظر أيضًا; انظر أيضا; مصادر; المصادر; هوامش; روابط خارجية; معرض صور; طالع أيضا
منابع; پیوند به بیرون; جستارهای وابسته; پانویس; یادداشت‌ها; نگارخانه; حوالہ جات; بیرونی روابط; مزید دیکھیے
सन्दर्भ; संदर्भ; बाहरी कड़ियाँ; इन्हें भी देखें; तथ्यसूत्র; তথ্যসূত্র; বহিঃসংযোগ; আরও দেখুন; மேற்கோள்கள்; வெளி இணைப்புகள்
மேலும் காண்க; മൂലങ്ങൾ; അവലംബം; మూలాలు; బయటి లింకులు; อ้างอิง; แหล่งข้อมูลอื่น; ดูเพิ่ม; หมายเหตุ
脚注; 出典; 参考文献; 外部リンク; 関連項目; 注釈; 関連文献; 注釈・出典; 脚注・出典; ギャラリー; 関連書籍
参考资料; 参考來源; 参考来源; 参考文獻; 參考文獻; 參考資料; 外部链接; 外部連結; 外部鏈接; 参见; 參見; 参看; 參看
注释; 註釋; 注釋; 备注; 備註; 延伸阅读; 延伸閱讀
腳註; 相关条目; 相關條目; 扩展阅读
각주; 같이 보기; 외부 링크; 참고 문헌; 참고문헌; 참고 자료; 출처; 주해; 바깥 고리; 갤러리
Tham khảo; Liên kết ngoài; Xem thêm; Chú thích; Ghi chú; Nguồn; Đọc thêm; Thư mục; Thư viện ảnh
Referensi; Pranala luar; Lihat pula; Catatan; Daftar pustaka; Catatan kaki; Bacaan lanjutan; Rujukan; Pautan luar
Galeri
Lihat juga; Mga sanggunian; Mga panlabas na link; Marejeo; Viungo vya nje; Tazama pia; Referencoj; Eksteraj ligiloj
Vidu ankaŭ; Notoj; Literaturo; Fontes; Nexus externi; Vide etiam; Notae; Bibliographia
სქოლიო; რესურსები ინტერნეტში; იხილეთ აგრეთვე; ლიტერატურა; Ծանոթագրություններ; Արտաքին հղումներ; Գրականություն
Տես նաև; Աղբյուրներ; Дереккөздер; Сыртқы сілтемелер; Әдебиет; Искәрмәләр; Сылтамалар
""")
"""Headings of sections that hold no prose of their own: sources, links, pointers, galleries (case-folded)."""

_JOINERS = re.compile(r"\s*(?:[,/&;]|\s(?:and|or|und|et|y|e|i|и|или|та|або|en|och|og|ja|ve|un|ir|és|și|a|va|ו)\s)\s*")


def is_source_heading(title: str) -> bool:
    """Does a section of this title only list sources, links or pictures ("Notes and references", "Вижте също")?"""
    folded = title.casefold().strip(" :.*'")
    if folded in SOURCE_HEADINGS:
        return True
    parts = [part for part in _JOINERS.split(folded) if part]
    return len(parts) > 1 and all(part in SOURCE_HEADINGS for part in parts)


DISAMBIGUATIONS = _words("""
disambig; disambiguation; disamb; dab; hndis; geodis; numberdis; hospitaldis; mathdab; mathdis; roaddis; schooldis
callsigndis; letter-numbercombdisambig; airport disambig; species latin name disambiguation; surname; given name
set index; shipindex; mil-unit-dis; mountainindex; sportindex; tropical storm disambig; wikidata disambiguation
disambiguation page; begriffsklärung; bkl; bks; homonymie; homonymes; paronymie; toponymie; patronymie
desambiguación; des; desambiguacion; disambigua; desambiguação; desambig; desambiguació; homónimos; dp
doorverwijspagina; dpintro; ujednoznacznienie; strona ujednoznaczniająca; многозначност; пояснение; неоднозначность
фамилия; тёзки; disambiguation cleanup; багатозначність; неоднозначність; багатозначність-оновлення
список однофамільців; мнагазначнасць; неадназначнасць; вишезначна одредница; višeznačna odrednica; razdvojba
razločitev; disambig-d; појаснување; rozcestník; rozlišovacia stránka; förgrening; grensida; gren; förgreningssida
efternamn; peker; pekerside; etternavn; flertydig; fleirtyding; täsmennyssivu; täpsustus; täpsustuslehekülg
nozīmju atdalīšana; nuozīmju atdalīšana; disambig-lv; nuorodinis straipsnis; zeimeibu škiršona; zeimeibu skaitļs
egyért; egyértelműsítő lap; dezambiguizare; disambiguizare; anlam ayrımı; dəqiqləşdirmə; αποσαφήνιση; kthjellim
argipen; dubbelsinnig; idirdhealú; gwahaniaethu; פירושונים; توضيح; صفحة توضيح; ابهام‌زدایی; ضد ابهام; بہم
बहुविकल्पी शब्द; बहुविकल्पी; দ্ব্যর্থতা নিরসন; பக்கவழி நெறிப்படுத்தல்; แก้กำกวม; 曖昧さ回避; aimai; 人名の曖昧さ回避
地名の曖昧さ回避; 消歧义; 消歧義; 人名消歧义; 人名消歧義; 地名消歧義; 地名消歧义; 동음이의; 동명이인
trang định hướng; định hướng; disambiguasi; nyahkekaburan; apartigilo; discretiva; disambiguatio; paglilinaw; maana
მრავალმნიშვნელოვანი; բազմիմաստություն; айрық; айрыу; күп мәгънәләр; нуозеймеибы; disambiguació; uodkazy; wontarjiwaj
dudalipen; omonimia; omônimos; homonym
""")
"""Templates (without their namespace) that make a page a disambiguation page (case-folded)."""

_DISAMBIGUATION_TITLES = _words("""
disambiguation; begriffsklärung; homonymie; desambiguación; disambigua; desambiguação; desambiguació
doorverwijspagina; ujednoznacznienie; значения; неоднозначность; значення; многозначност; пояснение; значэнні
вишезначна одредница; razdvojba; razločitev; rozcestník; olika betydelser; förgrening; flertydig; andre betydninger
täsmennyssivu; täpsustus; nozīmju atdalīšana; nuozīmju atdalīšana; reikšmės; zeimeibu škiršona; egyértelműsítő lap
dezambiguizare; anlam ayrımı; dəqiqləşdirmə; αποσαφήνιση; kthjellim; argipena; פירושונים; توضيح; ابهام‌زدایی
ضد ابهام; बहुविकल्पी; দ্ব্যর্থতা নিরসন; แก้ความกำกวม; 曖昧さ回避; 消歧义; 消歧義; 동음이의; định hướng; disambiguasi
nyahkekaburan; apartigilo; discretiva; paglilinaw; მრავალმნიშვნელოვანი; այլ կիրառումներ; dubbelsinnig
""")


_HATNOTES = ("for", "about", "see", "other", "redirect", "needs", "r ", "confused", "distinguish")


def is_disambiguation_template(name: str) -> bool:
    """``name`` as it stands in the page, lower case, without its namespace."""
    if name in DISAMBIGUATIONS:
        return True
    return name.endswith(("disambiguation", "disambig")) and not name.startswith(_HATNOTES)


def is_disambiguation_title(title: str) -> bool:
    """``Mercury (disambiguation)`` and its like."""
    if not title.endswith((")", "）")):
        return False
    inside = title[max(title.rfind("("), title.rfind("（")) + 1 : -1].strip().casefold()
    return inside in _DISAMBIGUATION_TITLES


FILE_PREFIXES = _words("""
file; image; media; bild; datei; fichier; archivo; imagen; ficheiro; arquivo; imagem; immagine; bestand; afbeelding
plik; grafika; файл; изображение; зображення; картинка; soubor; súbor; obrázok; fil; tiedosto; kuva; pilt; attēls
fails; vaizdas; fájl; kép; fișier; imagine; dosya; resim; şəkil; αρχείο; εικόνα; skeda; figura; fitxategi; irudi
lêer; beeld; íomhá; delwedd; קובץ; תמונה; ملف; صورة; پرونده; چتر; فائل; تصویر; चित्र; चित्रम्; চিত্র; படிமம்; ചിത്രം
దస్త్రం; ไฟล์; ภาพ; ファイル; 画像; 文件; 檔案; 档案; 图像; 圖像; 파일; 그림; tập tin; hình; berkas; gambar; imej
talaksan; larawan; picha; dosiero; imago; fasciculus; слика; датотека; slika; datoteka; ფაილი; სურათი; պատկեր; сурет
рәсем; fitxer; imatge; mynd; выява; фајл; surat; tasvir; fayl
""")
"""What links to files begin with; the dump's own namespace names come on top."""

CATEGORY_PREFIXES = _words("""
category; kategorie; catégorie; categoría; categoria; categorie; kategoria; категория; категорія; катэгорыя
kategória; kategori; luokka; kategooria; kategorija; kategoreja; κατηγορία; kategorî; kategoriya; קטגוריה; تصنيف
رده; زمرہ; श्रेणी; বিষয়শ্রেণী; பகுப்பு; വർഗ്ഗം; వర్గం; หมวดหมู่; 分类; 分類; 분류; thể loại; kategorio; категорија
კატეგორია; կատեգորիա; санат; төркем; flokkur; jamii; catigurìa; catagóir; categori; turkum; kateqoriya
""")

PROJECT_PREFIXES = _words("""
wikt; wiktionary; b; wikibooks; n; wikinews; q; wikiquote; s; wikisource; v; wikiversity; voy; wikivoyage; species
commons; m; meta; d; wikidata; w; wikipedia; wp; mw; mediawikiwiki; foundation; doi; rfc; bugzilla; google; imdb
""")
"""Interwiki prefixes that lead to a page of another project, not to the same article in another language."""
