"""Questions and answers in other languages than English, which a language filter must find."""

# ruff: noqa: E501 (texts, one to a line)
from __future__ import annotations

from typing import NamedTuple


class Foreign(NamedTuple):
    """A question and its answer; ``language`` is the ISO 639-1 code."""

    language: str
    question: str
    answer: str


_TEXTS = """
de | Warum ist der Himmel blau? | Das Licht der Sonne enthält alle Farben. In der Luft wird der blaue Anteil viel stärker zur Seite gestreut als der rote, deshalb kommt aus allen Richtungen blaues Licht zu uns. Am Abend ist der Weg durch die Luft länger, das Blau geht unterwegs verloren und der Himmel leuchtet rot.
de | Wie wird ein Sauerteig angesetzt? | Man verrührt Roggenmehl und lauwarmes Wasser zu gleichen Teilen und lässt das Glas zugedeckt an einem warmen Ort stehen. An jedem der nächsten vier Tage kommt noch einmal die gleiche Menge dazu. Wenn der Teig Blasen wirft und angenehm säuerlich riecht, kann man mit ihm backen.
de | Wovon ernährt sich der Igel? | Igel fressen Käfer, Raupen, Regenwürmer und Schnecken. Milch vertragen sie nicht, auch wenn man es ihnen früher oft hingestellt hat. Im Herbst fressen sie sich ein Fettpolster an, von dem sie während des Winterschlafs unter einem Haufen aus Laub und Reisig leben.
de | Weshalb platzen im Winter die Wasserrohre? | Wasser dehnt sich beim Gefrieren um etwa neun Prozent aus, weil seine Moleküle im Eis ein lockeres Gitter bilden. In einem geschlossenen Rohr ist dafür kein Platz, und der Druck sprengt das Metall. Man sollte daher die Leitungen im Garten vor dem ersten Frost entleeren.
de | Wer hat die Buchstaben für den Druck erfunden? | Johannes Gutenberg goss um 1450 in Mainz einzelne Buchstaben aus Metall, die sich immer wieder neu zusammensetzen ließen. Vorher schrieb man Bücher von Hand ab oder schnitt ganze Seiten in Holz. Sein bekanntestes Werk ist eine lateinische Bibel mit zweiundvierzig Zeilen auf jeder Seite.
fr | Pourquoi le ciel est-il bleu pendant la journée ? | La lumière du soleil contient toutes les couleurs. Les molécules de l'air dispersent beaucoup plus le bleu que le rouge, si bien que la lumière bleue nous arrive de tous les côtés. Le soir, les rayons traversent une couche d'air plus épaisse et il ne reste que le rouge.
fr | Comment faire une bonne ratatouille ? | Il faut couper les aubergines, les courgettes, les poivrons et les tomates en morceaux, puis faire revenir chaque légume séparément dans l'huile d'olive. On les réunit ensuite avec de l'ail et du thym, et on laisse mijoter à feu doux pendant une demi-heure. Elle est encore meilleure le lendemain.
fr | Que mange le hérisson ? | Le hérisson se nourrit d'insectes, de vers de terre et de limaces. Le lait lui donne des maux de ventre, il vaut donc mieux lui offrir de l'eau. En automne il prend du poids, car il passe l'hiver endormi sous un tas de feuilles mortes.
fr | Qui a découvert le radium ? | Marie Curie et son mari Pierre ont découvert le radium en 1898, dans un hangar de Paris où ils traitaient des tonnes de minerai. Elle est la seule personne qui ait reçu le prix Nobel dans deux sciences différentes. Ses cahiers sont encore radioactifs aujourd'hui.
fr | Pourquoi les feuilles changent-elles de couleur en automne ? | Quand les jours raccourcissent, l'arbre retire la chlorophylle de ses feuilles pour garder ce qui lui est utile. Les pigments jaunes, qui étaient là depuis le printemps, deviennent alors visibles. Le rouge, lui, se forme à partir du sucre qui reste dans la feuille.
es | ¿Por qué hay estaciones del año? | El eje de la Tierra está inclinado unos veintitrés grados, de modo que cada hemisferio recibe más luz durante una parte del año. La distancia al Sol no es la causa, porque nuestro planeta se encuentra más cerca de él a principios de enero. Cuando en España es verano, en Argentina es invierno.
es | ¿Cómo se prepara una buena paella? | Se sofríe el pollo con las verduras, se añade el tomate y después el arroz, y se cubre todo con un caldo caliente con azafrán. A partir de ese momento no se remueve más. Al final se forma en el fondo una capa tostada que muchos consideran la mejor parte.
es | ¿Qué come el lobo? | El lobo caza ciervos, jabalíes y liebres, casi siempre en grupo. La manada es en realidad una familia formada por los padres y sus crías de varios años. Con el aullido los animales se mantienen unidos y avisan a las manadas vecinas de que el territorio ya está ocupado.
es | ¿Cuánto dura un año en Marte? | Marte necesita 687 días para dar una vuelta alrededor del Sol, casi el doble que la Tierra. El día, en cambio, dura apenas media hora más que el nuestro. Como el planeta está inclinado de manera parecida, también tiene estaciones, pero son el doble de largas.
es | ¿Para qué sirve el hígado? | El hígado limpia la sangre, guarda azúcar y produce la bilis que ayuda a digerir las grasas. Es uno de los pocos órganos que pueden volver a crecer cuando se les quita una parte. El exceso de alcohol lo daña poco a poco, y por eso conviene dejarle días de descanso.
it | Perché il ghiaccio galleggia sull'acqua? | Quando l'acqua gela, le sue molecole si dispongono in un reticolo più largo e occupano circa il nove per cento di spazio in più. Il ghiaccio è quindi meno denso e resta in superficie. Per questo i laghi gelano dall'alto e i pesci sopravvivono sul fondo anche negli inverni più freddi.
it | Come si prepara il vero pesto? | Si pestano nel mortaio l'aglio e i pinoli con un po' di sale grosso, poi si aggiungono le foglie di basilico e alla fine il formaggio e l'olio. Il frullatore scalda troppo le foglie e le rende scure. La pasta si condisce fuori dal fuoco con un cucchiaio della sua acqua.
it | Chi ha inventato la pila elettrica? | Alessandro Volta costruì la prima pila intorno al 1800, mettendo uno sull'altro dischi di rame e di zinco separati da panni bagnati di acqua salata. Per la prima volta si disponeva di una corrente che durava nel tempo. L'unità della tensione porta ancora oggi il suo nome.
nl | Waarom is het in de zomer langer licht? | De as van de aarde staat scheef, en in de zomer helt onze helft van de wereld naar de zon toe. Daardoor beschrijft de zon een hogere en langere boog aan de hemel. In het noorden van Noorwegen gaat zij in juni zelfs helemaal niet onder.
nl | Hoe vaak moet ik kamerplanten water geven? | Steek een vinger in de aarde en geef pas water als de bovenste twee centimeter droog zijn. De meeste kamerplanten gaan niet dood aan dorst, maar aan te veel water, omdat de wortels dan geen lucht krijgen en gaan rotten. In de winter is de helft genoeg.
nl | Waarom ligt een deel van Nederland onder de zeespiegel? | Veel land is in de loop van de eeuwen op meren en op de zee gewonnen: men legde een dijk aan en pompte het water weg, vroeger met molens en nu met gemalen. Omdat de veengrond daarna inzakte, ligt ongeveer een kwart van het land lager dan de zee.
pt | Por que o mar sobe e desce duas vezes por dia? | A Lua atrai com mais força o lado da Terra que está voltado para ela, e a água dos oceanos forma duas elevações, uma de cada lado. Como a Terra gira por baixo delas, cada praia passa pelas duas no mesmo dia. O Sol também contribui, mas com menos da metade da força.
pt | Como se faz uma boa feijoada? | Deixa-se o feijão preto de molho durante a noite e as carnes salgadas em água limpa. No dia seguinte cozinha-se tudo junto em fogo baixo, com louro e alho, até o caldo ficar grosso. Serve-se com arroz branco, couve refogada, farofa e rodelas de laranja.
pt | O que come o camaleão? | O camaleão come grilos, moscas e outros insetos, que apanha com uma língua mais comprida do que o próprio corpo. Cada olho se move sozinho, de modo que o animal olha para a frente e para trás ao mesmo tempo. A cor da pele muda sobretudo com o humor e com a temperatura.
ru | Почему зимой холоднее, чем летом? | Ось Земли наклонена примерно на двадцать три градуса, поэтому зимой солнце стоит низко, а день короткий. Косые лучи распределяются по большей площади и слабее нагревают землю. Расстояние до Солнца тут ни при чём: в январе наша планета находится к нему ближе всего.
ru | Как правильно варить борщ? | Сначала варят крепкий мясной бульон, затем кладут в него картофель и капусту. Свёклу тушат отдельно с ложкой уксуса, чтобы она не потеряла цвет, и добавляют вместе с обжаренным луком и морковью. Готовый суп должен постоять полчаса, подают его со сметаной и чесноком.
ru | Кто составил таблицу элементов? | Дмитрий Менделеев расположил известные тогда элементы по возрастанию атомного веса и заметил, что их свойства повторяются. Для ещё не открытых элементов он оставил пустые клетки и предсказал, какими они будут. Когда нашли галлий и германий, его предсказания подтвердились.
ja | 空はなぜ青いのですか。 | 太陽の光にはすべての色が含まれています。空気の分子は赤い光よりも青い光をずっと強く散乱させるので、青い光があらゆる方向から目に届きます。夕方には光が長い距離を進むあいだに青が失われ、残った赤い光で空が染まります。
ja | 味噌汁のおいしい作り方を教えてください。 | 昆布と鰹節で出汁を取り、豆腐とわかめを入れて温めます。火を止めてから味噌を溶き入れるのが大切で、そのあと沸騰させると香りが飛んでしまいます。具は季節の野菜に替えてもよく、最後に刻んだ葱を散らすと味が引き立ちます。
"""

FOREIGN = tuple(Foreign(*(cell.strip() for cell in line.split("|", 2))) for line in _TEXTS.strip().split("\n"))
