"""Sixty countries: capital, place, language, money, highest point, a river, and what they are known for."""

from __future__ import annotations

from pipelines.samples.facts import Entity, Relation, Table

COUNTRIES = Table(
    field="geography",
    kind="country",
    columns="name capital region language currency peak river remark",
    relations=(
        Relation(
            "Capital",
            (
                "What is the capital of {n}?",
                "Which city is the capital of {n}?",
                "What's {ns} capital city?",
                "What city is {ns} capital?",
                "Where is the government of {n} seated?",
            ),
            (
                "{capital} is the capital of {n}.",
                "{Ns} capital is {capital}.",
                "The city of {capital} serves as the capital of {n}.",
                "The capital city of {n} is called {capital}.",
                "Of all the cities of {n}, {capital} is the capital.",
            ),
        ),
        Relation(
            "Location",
            (
                "Where in the world is {n}?",
                "In which part of the world does {n} lie?",
                "On what continent would I look for {n} on a map?",
                "Can somebody tell me where {n} is located?",
            ),
            (
                "{N} lies in {region}.",
                "{N} is a country in {region}.",
                "On a map you will find {n} in {region}.",
                "Geographers place {n} in {region}.",
            ),
        ),
        Relation(
            "Language",
            (
                "What language do people speak in {n}?",
                "Which language should I learn before a trip to {n}?",
                "What do they speak in {n}?",
                "Which tongue will I hear on the streets of {capital}?",
            ),
            (
                "People in {n} mostly speak {language}.",
                "The main language of {n} is {language}.",
                "If you travel to {n}, a few phrases of {language} will help you along.",
                "Street signs and newspapers in {n} are written in {language}.",
            ),
        ),
        Relation(
            "Currency",
            (
                "What currency is used in {n}?",
                "Which money do I need when I visit {n}?",
                "How do you pay in {n}?",
                "What are prices in {n} given in?",
            ),
            (
                "The currency of {n} is the {currency}.",
                "In {n} you pay with the {currency}.",
                "Prices in {n} are given in the local money, the {currency}.",
                "Shops in {capital} take the {currency}, the country's currency.",
            ),
        ),
        Relation(
            "Mountains and rivers",
            (
                "What is the highest mountain in {n}?",
                "What is the tallest peak of {n} called?",
                "Which summit is the highest point of {n}?",
                "Which mountain would a climber in {n} want to have stood on?",
            ),
            (
                "The highest point of {n} is {peak}.",
                "{peak} rises above every other summit of {n}.",
                "Nothing in {n} is higher than {peak}.",
                "Climbers who want to stand on the top of {n} go up {peak}.",
            ),
        ),
        Relation(
            "Mountains and rivers",
            (
                "Which river flows through {n}?",
                "Can you name an important river in {n}?",
                "What is a major river of {n}?",
            ),
            (
                "The {river} flows through {n}.",
                "Among the rivers of {n} is the {river}.",
                "One of the waters that shape the land is the {river}.",
            ),
        ),
        Relation(
            "Known for",
            (
                "What is {n} known for?",
                "What should I know about {n} before I go there?",
                "Is there something interesting to know about {n}?",
                "What makes {n} special?",
            ),
            ("{remark}", "Here is something worth knowing. {remark}"),
        ),
    ),
    rows="""
Iceland | Reykjavík | northern Europe | Icelandic | króna | Hvannadalshnúkur | Þjórsá | {N} sits on the Mid-Atlantic Ridge and heats most of its homes with hot water from the ground.
Norway | Oslo | northern Europe | Norwegian | krone | Galdhøpiggen | Glomma | {N} is cut by deep fjords that glaciers carved out of the rock.
Sweden | Stockholm | northern Europe | Swedish | krona | Kebnekaise | Göta älv | {N} hands out the Nobel Prizes, apart from the one for peace.
Finland | Helsinki | northern Europe | Finnish | euro | Halti | Kemijoki | {N} has well over a hundred thousand lakes and about as many saunas as families.
Denmark | Copenhagen | northern Europe | Danish | krone | Møllehøj | Gudenå | {N} is so flat that bicycles are a common way to get to work.
Estonia | Tallinn | northern Europe, on the Baltic Sea | Estonian | euro | Suur Munamägi | Emajõgi | {N} lets its citizens vote in elections over the internet.
Ireland | Dublin | western Europe | English and Irish | euro | Carrauntoohil | Shannon | {N} was hit in the 1840s by a potato blight that drove more than a million people to emigrate.
the United Kingdom | London | western Europe | English | pound sterling | Ben Nevis | Thames | {N} consists of England, Scotland, Wales and Northern Ireland.
the Netherlands | Amsterdam | western Europe | Dutch | euro | the Vaalserberg | Rhine | About a quarter of {n} lies below sea level and is kept dry by dikes and pumps.
Belgium | Brussels | western Europe | Dutch, French and German | euro | Signal de Botrange | Scheldt | {N} hosts the headquarters of NATO and several institutions of the European Union.
France | Paris | western Europe | French | euro | Mont Blanc | Loire | {N} is known for its cheeses, its wines and a bicycle race that goes round the country each July.
Spain | Madrid | southern Europe | Spanish | euro | Teide on Tenerife | Ebro | {N} grows more olives for oil than any other country.
Portugal | Lisbon | southern Europe | Portuguese | euro | Mount Pico in the Azores | Tagus | Half of the world's cork comes from the bark of oaks in {n}.
Italy | Rome | southern Europe | Italian | euro | Mont Blanc on the French border | Po | {N} surrounds two smaller states, San Marino and Vatican City.
Greece | Athens | southern Europe | Greek | euro | Mount Olympus | Haliacmon | {N} was the place of the ancient Olympic Games, held every four years at Olympia.
Switzerland | Bern | central Europe | German, French, Italian and Romansh | Swiss franc | Dufourspitze | Aare | {N} has stayed neutral in wars since 1815 and asks its citizens to vote several times a year.
Austria | Vienna | central Europe | German | euro | Grossglockner | Danube | {N} was the home of Haydn, Mozart and Schubert.
Germany | Berlin | central Europe | German | euro | Zugspitze | Elbe | {N} was divided into two states from 1949 to 1990.
Poland | Warsaw | central Europe | Polish | złoty | Rysy | Vistula | {N} protects the Białowieża Forest, where bison still roam.
the Czech Republic | Prague | central Europe | Czech | koruna | Sněžka | Vltava | {N} gave the world the word robot, from a play by Karel Čapek.
Hungary | Budapest | central Europe | Hungarian | forint | Kékes | Danube | {N} has hundreds of thermal baths, many of them in the capital.
Romania | Bucharest | eastern Europe | Romanian | leu | Moldoveanu | Danube | {N} shares the Danube delta, a wetland full of pelicans, with Ukraine.
Bulgaria | Sofia | eastern Europe | Bulgarian | euro | Musala | Maritsa | {N} produces much of the rose oil that perfumers use.
Ukraine | Kyiv | eastern Europe | Ukrainian | hryvnia | Hoverla | Dnieper | {N} has black soil that makes it one of the great grain exporters.
Turkey | Ankara | western Asia with a corner in Europe | Turkish | lira | Mount Ararat | Kızılırmak | {Ns} largest city, Istanbul, lies on two continents at once.
Georgia | Tbilisi | the Caucasus | Georgian | lari | Shkhara | Mtkvari | Wine has been made in {n} in clay jars for about eight thousand years.
Armenia | Yerevan | the Caucasus | Armenian | dram | Aragats | Aras | {N} adopted Christianity as a state religion at the start of the fourth century.
Egypt | Cairo | north-eastern Africa | Arabic | Egyptian pound | Mount Catherine | Nile | Nearly everyone in {n} lives in the narrow green strip along one river.
Morocco | Rabat | north-western Africa | Arabic and Berber | dirham | Toubkal | Draa | {N} looks across to Spain over the Strait of Gibraltar.
Tunisia | Tunis | northern Africa | Arabic | dinar | Jebel ech Chambi | Medjerda | The ruins of Carthage, the old rival of Rome, lie in {n}.
Ethiopia | Addis Ababa | eastern Africa | Amharic and Oromo among many others | birr | Ras Dashen | Blue Nile | {N} is where the coffee plant comes from.
Kenya | Nairobi | eastern Africa | Swahili and English | Kenyan shilling | Mount Kenya | Tana | Each year herds of wildebeest cross from Tanzania into {n} to find fresh grass.
Tanzania | Dodoma | eastern Africa | Swahili | Tanzanian shilling | Kilimanjaro | Rufiji | {N} holds the highest mountain of Africa.
Uganda | Kampala | eastern Africa | English and Swahili | Ugandan shilling | Mount Stanley | White Nile | Mountain gorillas live in the forests of south-western {n}.
Madagascar | Antananarivo | the Indian Ocean, off eastern Africa | Malagasy and French | ariary | Maromokotro | Betsiboka | Lemurs live in the wild only in {n} and on a few islands close by.
Ghana | Accra | western Africa | English | cedi | Mount Afadja | Volta | {N} is among the largest growers of cocoa beans.
Nigeria | Abuja | western Africa | English | naira | Chappal Waddi | Niger | {N} has more inhabitants than any other country of Africa.
Senegal | Dakar | western Africa | French and Wolof | CFA franc | the Baunez ridge | Senegal | {N} reaches farther west than any other country on the African mainland.
Namibia | Windhoek | south-western Africa | English | Namibian dollar | Königstein | Orange River | In {n} the dunes of one of the oldest deserts run right into the sea.
Botswana | Gaborone | southern Africa | English and Tswana | pula | Monalanong Hill | Okavango | In {n} a river ends in an inland delta, far from any sea.
Canada | Ottawa | North America | English and French | Canadian dollar | Mount Logan | Mackenzie | {N} has the longest coastline of all countries.
the United States | Washington, D.C. | North America | English | US dollar | Denali | Mississippi | {N} opened the first national park, Yellowstone, in 1872.
Mexico | Mexico City | North America | Spanish | peso | Pico de Orizaba | Balsas | {Ns} capital was built on the ruins of Tenochtitlan, a city in a lake.
Cuba | Havana | the Caribbean | Spanish | Cuban peso | Pico Turquino | Cauto | {N} is the largest island of the Caribbean.
Costa Rica | San José | Central America | Spanish | colón | Cerro Chirripó | Tempisque | {N} abolished its army in 1948.
Panama | Panama City | Central America | Spanish | balboa | Volcán Barú | Chagres | Ships save the long way round Cape Horn by taking the canal through {n}.
Colombia | Bogotá | South America | Spanish | Colombian peso | Pico Cristóbal Colón | Magdalena | {N} is the only South American country with coasts on both the Pacific and the Caribbean.
Ecuador | Quito | South America | Spanish | US dollar | Chimborazo | Napo | {N} is named after the equator, and the Galápagos Islands belong to it.
Peru | Lima | South America | Spanish and Quechua | sol | Huascarán | Ucayali | {N} was the heart of the Inca empire; Machu Picchu still shows its stonework.
Bolivia | Sucre | South America | Spanish, Quechua and Aymara | boliviano | Nevado Sajama | Beni | {N} has the largest salt flat on Earth, the Salar de Uyuni.
Brazil | Brasília | South America | Portuguese | real | Pico da Neblina | Amazon | {N} moved its seat of government in 1960 to a city that was planned on the drawing board.
Argentina | Buenos Aires | South America | Spanish | Argentine peso | Aconcagua | Paraná | {N} is the home of the tango.
Chile | Santiago | South America | Spanish | Chilean peso | Ojos del Salado | Loa | {N} is over four thousand kilometres long, yet on average less than two hundred wide.
Mongolia | Ulaanbaatar | eastern Asia | Mongolian | tögrög | Khüiten Peak | Selenge | {N} is the least crowded of all sovereign countries, and many families still herd animals.
Japan | Tokyo | eastern Asia | Japanese | yen | Mount Fuji | Shinano | {N} opened the first high-speed railway in 1964.
South Korea | Seoul | eastern Asia | Korean | won | Hallasan on Jeju | Han | {N} writes its language in an alphabet that a king had designed in the fifteenth century.
Vietnam | Hanoi | south-eastern Asia | Vietnamese | đồng | Fansipan | Mekong | {N} grows more coffee than any country but Brazil.
Thailand | Bangkok | south-eastern Asia | Thai | baht | Doi Inthanon | Chao Phraya | {N} was never a colony of a European power.
Indonesia | Jakarta | south-eastern Asia | Indonesian | rupiah | Puncak Jaya | Kapuas | {N} is spread over more than seventeen thousand islands.
Nepal | Kathmandu | southern Asia | Nepali | Nepalese rupee | Mount Everest | Koshi | {N} has the only national flag that isn't a rectangle.
India | New Delhi | southern Asia | Hindi, English and many others | rupee | Kangchenjunga | Ganges | {N} overtook China in 2023 as the country with the most inhabitants.
Australia | Canberra | Oceania | English | Australian dollar | Mount Kosciuszko | Murray | Most mammals native to {n} carry their young in a pouch.
New Zealand | Wellington | Oceania | English and Māori | New Zealand dollar | Aoraki or Mount Cook | Waikato | In 1893 {n} became the first country where women could vote in national elections.
""",
)


def entities() -> list[Entity]:
    return COUNTRIES.entities()
