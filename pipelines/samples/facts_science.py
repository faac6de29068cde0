"""Natural science: chemical elements, bodies of the solar system, and why things in nature are as they are."""

from __future__ import annotations

from pipelines.samples.facts import Entity, Relation, Table, topics

ELEMENTS = Table(
    field="chemistry",
    kind="element",
    small=True,
    columns="name symbol number group found use remark",
    relations=(
        Relation(
            "Symbol and number",
            (
                "What is the chemical symbol of {n}?",
                "Which letters stand for {n} in the periodic table?",
                "What is the atomic number of {n}?",
                "How many protons does an atom of {n} have?",
            ),
            (
                "{N} has the symbol {symbol} and the atomic number {number}.",
                "In the periodic table {n} stands at place {number} under the symbol {symbol}.",
                "An atom of {n} has {number} protons, and its symbol is {symbol}.",
                "Chemists write {symbol} for {n}; its nucleus holds {number} protons.",
            ),
        ),
        Relation(
            "Group",
            ("What kind of element is {n}?", "Which group does {n} belong to?", "Is {n} a metal?"),
            ("{N} is {group}.", "Chemists count {n} as {group}.", "By its properties {n} is {group}."),
        ),
        Relation(
            "Discovery",
            ("Who discovered {n}?", "Since when is {n} known?", "When was {n} found?", "How was {n} discovered?"),
            (
                "{N} {found}.",
                "As for its history, {n} {found}.",
                "Books on the history of chemistry say that {n} {found}.",
            ),
        ),
        Relation(
            "Uses",
            (
                "What is {n} used for?",
                "What are the main uses of {n}?",
                "Why does industry need {n}?",
                "Where do I meet {n} in daily life?",
            ),
            (
                "{N} is used for {use}.",
                "The main uses of {n} are {use}.",
                "Industry needs {n} for {use}.",
                "In daily life you meet {n} in {use}.",
            ),
        ),
        Relation(
            "Properties",
            ("What is special about {n}?", "Which property makes {n} stand out?", "Any curious facts about {n}?"),
            ("{remark}", "One property stands out: {remark}"),
        ),
    ),
    rows="""
Hydrogen | H | 1 | a light gas | was recognised as an element by Henry Cavendish in 1766 | ammonia, fuel cells and refining oil | {N} makes up about three quarters of the ordinary matter in the universe by mass.
Helium | He | 2 | a noble gas | showed itself in the light of the Sun in 1868, years before it was found on Earth | balloons, diving gas and cooling magnets | {N} boils at four degrees above absolute zero.
Lithium | Li | 3 | an alkali metal | was found by Johan August Arfwedson in 1817 | rechargeable batteries and the treatment of bipolar disorder | {N} is the lightest metal and floats on oil.
Carbon | C | 6 | a nonmetal | has been known as soot and charcoal since prehistory | steel, pencils, filters and plastics | Diamond and graphite are both pure {n}.
Nitrogen | N | 7 | a nonmetal and a gas | was isolated by Daniel Rutherford in 1772 | fertiliser, explosives and freezing food | {N} makes up 78 per cent of the air.
Oxygen | O | 8 | a reactive gas | was found independently by Carl Scheele and Joseph Priestley in the 1770s | making steel, welding and helping patients breathe | Liquid {n} is pale blue and sticks to a magnet.
Fluorine | F | 9 | a halogen | was first isolated by Henri Moissan in 1886 | toothpaste salts and non-stick coatings | {N} reacts with nearly everything, even with glass under some conditions.
Neon | Ne | 10 | a noble gas | was found by William Ramsay and Morris Travers in 1898 | red glowing signs and lasers | {N} forms no stable compounds.
Sodium | Na | 11 | an alkali metal | was isolated by Humphry Davy in 1807 | table salt, soap and orange street lamps | {N} is soft enough to cut with a knife and reacts violently with water.
Magnesium | Mg | 12 | an alkaline earth metal | was isolated by Humphry Davy in 1808 | light alloys, flares and remedies for cramps | {N} burns with a blinding white light and sits at the heart of chlorophyll.
Aluminium | Al | 13 | a light metal | was first made in 1825 by Hans Christian Ørsted | cans, foil, window frames and aircraft | Recycling {n} takes about a twentieth of the energy of making it anew.
Silicon | Si | 14 | a semiconductor | was isolated by Jöns Jacob Berzelius in 1824 | computer chips, solar cells and glass | {N} is the second most common element in the crust of the Earth.
Phosphorus | P | 15 | a nonmetal | was found in 1669 by Hennig Brand, who boiled down urine | fertiliser and matches | White {n} glows in the dark as it reacts with air.
Sulfur | S | 16 | a yellow nonmetal | has been known since antiquity, when it was called brimstone | sulfuric acid and hardening rubber | {N} burns with a blue flame and a choking smell.
Chlorine | Cl | 17 | a halogen | was made by Carl Scheele in 1774 | clean drinking water, bleach and PVC | {N} was used as a poison gas in the First World War.
Argon | Ar | 18 | a noble gas | was found in 1894 by Lord Rayleigh and William Ramsay | shielding gas in welding and filling between window panes | {N} makes up almost one per cent of the air.
Potassium | K | 19 | an alkali metal | was isolated by Humphry Davy in 1807 | fertiliser and glass | {N} is what nerves need to fire, and bananas contain plenty of it.
Calcium | Ca | 20 | an alkaline earth metal | was isolated by Humphry Davy in 1808 | cement, plaster and steel making | Bones and teeth hold nearly all the {n} of the body.
Titanium | Ti | 22 | a strong and light metal | was found in 1791 by William Gregor in Cornwall | aircraft parts, implants and white paint | The body tolerates {n} well, so that bone grows onto it.
Chromium | Cr | 24 | a hard metal | was found by Louis Vauquelin in 1797 | stainless steel and shiny plating | Traces of {n} make rubies red and emeralds green.
Iron | Fe | 26 | a transition metal | has been smelted for more than three thousand years | steel, tools and machines | In haemoglobin {n} carries the oxygen of our blood.
Cobalt | Co | 27 | a transition metal | was found around 1735 by Georg Brandt | blue glass, magnets and batteries | Vitamin B12 has an atom of {n} at its centre.
Nickel | Ni | 28 | a transition metal | was isolated by Axel Cronstedt in 1751 | coins, stainless steel and batteries | {N} is among the most frequent causes of skin allergies.
Copper | Cu | 29 | a transition metal | was among the first metals that people worked | cables, pipes and roofs | {N} turns green outdoors as a layer of salts forms on it.
Zinc | Zn | 30 | a metal | was smelted in India centuries before Europe | protecting steel from rust, brass and batteries | {N} corrodes in place of the steel it covers.
Gallium | Ga | 31 | a soft metal | was predicted by Mendeleev and found in 1875 by Lecoq de Boisbaudran | light-emitting diodes and fast chips | {N} melts in the palm of a hand.
Bromine | Br | 35 | a halogen | was found by Antoine Balard in 1826 | flame retardants and medicines | {N} is one of only two elements that are liquid at room temperature.
Silver | Ag | 47 | a precious metal | has been mined since antiquity | jewellery, mirrors and contacts | {N} conducts electricity better than any other metal.
Tin | Sn | 50 | a soft metal | has been alloyed with copper since the Bronze Age | solder and the coating of food cans | In great cold white {n} crumbles to a grey powder.
Iodine | I | 53 | a halogen | was found in 1811 by Bernard Courtois in the ash of seaweed | disinfectants and X-ray contrast agents | {N} turns blue-black when it meets starch.
Xenon | Xe | 54 | a noble gas | was found in 1898 by William Ramsay and Morris Travers | bright lamps and the engines of space probes | {N} was the first noble gas that was forced into a compound.
Tungsten | W | 74 | a heavy metal | was isolated in 1783 by the brothers Elhuyar | lamp filaments and cutting tools | {N} has the highest melting point of all metals.
Platinum | Pt | 78 | a precious metal | was known to people in South America before Columbus | catalytic converters and laboratory ware | {N} speeds up reactions without being used up.
Gold | Au | 79 | a precious metal | has been treasured for over six thousand years | jewellery, coins and contacts that must not tarnish | One gram of {n} can be beaten into a leaf of about a square metre.
Mercury (element) | Hg | 80 | a liquid metal | has been known since antiquity, when it was called quicksilver | thermometers of old and fluorescent lamps | {N} is poisonous, above all as a vapour.
Lead | Pb | 82 | a soft heavy metal | was cast into water pipes by the Romans | car batteries and shielding against X-rays | {N} harms the brains of children even in small amounts.
Uranium | U | 92 | a radioactive metal | was found by Martin Klaproth in 1789 | fuel of nuclear power plants | A kilogram of {n} can give as much heat as many tonnes of coal.
""",
)

PLANETS = Table(
    field="astronomy",
    kind="world",
    columns="name place size year air remark visit",
    relations=(
        Relation(
            "Position",
            ("Where in the solar system is {n}?", "What is the position of {n} in the solar system?"),
            ("{N} is {place}.", "In the solar system {n} is {place}."),
        ),
        Relation(
            "Size",
            ("How big is {n}?", "What is the size of {n}?", "What is the diameter of {n}?"),
            (
                "{N} measures about {size} across.",
                "The diameter of {n} is about {size}.",
                "From side to side {n} spans {size}.",
            ),
        ),
        Relation(
            "Orbit",
            (
                "How long does {n} take for one orbit?",
                "How long is a year on {n}?",
                "What is the orbital period of {n}?",
            ),
            (
                "One orbit of {n} takes {year}.",
                "{N} needs {year} for one round.",
                "A full trip along its path takes {n} {year}.",
            ),
        ),
        Relation(
            "Atmosphere",
            ("Does {n} have an atmosphere?", "What is the air on {n} made of?", "Could I breathe on {n}?"),
            ("Around {n} there is {air}.", "{N} has {air}.", "As for an atmosphere: {n} has {air}."),
        ),
        Relation(
            "Features",
            ("What is {n} famous for?", "What would I see on {n}?"),
            ("{remark}", "Its best-known feature: {remark}"),
        ),
        Relation(
            "Exploration",
            ("Which spacecraft have visited {n}?", "How do we know so much about {n}?", "Has anybody explored {n}?"),
            ("{visit}", "On its exploration: {visit}"),
        ),
    ),
    rows="""
Mercury (planet) | the planet closest to the Sun | 4,880 kilometres | 88 days | hardly any gas at all | Days on {n} are hot enough to melt lead, nights colder than any winter on Earth. | The probe MESSENGER circled {n} from 2011 to 2015.
Venus | the second planet from the Sun | 12,100 kilometres | 225 days | a crushing blanket of carbon dioxide with clouds of sulfuric acid | {N} is the hottest planet because its air traps heat. | Soviet Venera probes landed on {n} and sent pictures before the heat killed them.
Earth | the third planet from the Sun | 12,742 kilometres | 365 days and six hours | air made of nitrogen and oxygen | {N} is the only place where liquid oceans on the surface are known. | Thousands of satellites watch the weather and the ice of {n}.
the Moon | the companion of the Earth | 3,475 kilometres | a little over 27 days | practically no air | {N} always shows us the same face. | Twelve astronauts walked on {n} between 1969 and 1972.
Mars | the fourth planet from the Sun | 6,780 kilometres | 687 days | thin air, mostly carbon dioxide | {N} has the highest known volcano, Olympus Mons. | Rovers such as Curiosity and Perseverance drive over {n} and study its rocks.
Ceres | the largest body of the asteroid belt | 940 kilometres | four and a half years | next to no gas | Bright spots of salt shine in a crater of {n}. | The probe Dawn reached {n} in 2015.
Jupiter | the largest planet and the fifth from the Sun | 140,000 kilometres | nearly twelve years | deep layers of hydrogen and helium | A storm larger than our planet, the Great Red Spot, rages on {n}. | The probe Juno has circled {n} since 2016.
Io (moon) | a large moon of Jupiter | 3,640 kilometres | less than two days | a trace of sulfur dioxide | {N} has more active volcanoes than any other world we know. | Voyager 1 saw an eruption on {n} in 1979.
Europa | a large moon of Jupiter | 3,120 kilometres | three and a half days | a mere trace of oxygen | Under the ice of {n} there is very likely an ocean of salt water. | The mission Europa Clipper was launched towards {n} in 2024.
Saturn | the sixth planet from the Sun | 116,000 kilometres | 29 years | layers of hydrogen and helium | {N} has wide rings made of chunks of ice. | Cassini circled {n} for thirteen years and plunged into it in 2017.
Titan | the largest moon of Saturn | 5,150 kilometres | sixteen days | thick air, mostly nitrogen | On {n} it rains methane, which gathers in lakes. | The lander Huygens came down on {n} in 2005.
Enceladus | a small icy moon of Saturn | 500 kilometres | 33 hours | a plume of water vapour at the south pole | Geysers on {n} feed one of the rings of its planet. | Cassini flew through the jets of {n} and tasted salt and organic matter.
Uranus | the seventh planet from the Sun | 51,000 kilometres | 84 years | hydrogen and helium with methane that makes it look blue-green | {N} lies on its side and rolls along its path. | Only Voyager 2 has flown past {n}, in 1986.
Neptune | the outermost planet | 49,500 kilometres | 165 years | hydrogen, helium and methane | The fastest winds of all planets blow on {n}. | {N} was found in 1846 where calculations had said it must be.
Pluto | a dwarf planet in the Kuiper belt | 2,380 kilometres | 248 years | a thin haze of nitrogen | A heart-shaped plain of nitrogen ice marks the face of {n}. | New Horizons raced past {n} in 2015.
the Sun | the star at the centre of the solar system | 1.39 million kilometres | about 230 million years around the centre of the Milky Way | a corona that is far hotter than the surface | {N} fuses hundreds of millions of tonnes of hydrogen every second. | The Parker Solar Probe has dived into the outer layers of {n}.
""",
)

NATURE_TOPICS = """
# The blue of the sky
? Why is the sky blue? | What makes the daytime sky look blue? | How come the sky isn't violet or white? | Why does the sky have the colour it has?
= Air molecules scatter short waves of light far more strongly than long ones, so blue reaches us from all directions. | Sunlight holds all colours, and the gas of the atmosphere throws the blue part sideways much more than the red part, which is why blue comes from everywhere above us.
- The effect is called Rayleigh scattering and grows with the fourth power of the frequency. | Physicists speak of Rayleigh scattering: half the wavelength means sixteen times the scattering.
- Violet is scattered even more, but the Sun gives off less of it and our eyes are less sensitive to it.
+ At sunset the light crosses more air, the blue is lost on the way, and red is left. | Evening skies turn red since the long path through the air has removed the blue.
+ On the Moon, where there is no air, the sky is black even at noon.

# The seasons
? Why do we have seasons? | What causes summer and winter? | Is it colder in winter because the Earth is farther from the Sun? | Why is it summer in Australia when Europe has winter?
= The axis of the Earth is tilted by about 23 degrees, so each half of the globe leans towards the Sun for part of the year. | Seasons come from the tilt of the Earth's axis: the half that leans towards the Sun gets steeper light and longer days.
- Distance is not the reason, since the Earth is closest to the Sun in early January.
- Steep sunlight warms a smaller patch of ground and so heats it more. | Light that falls at a low angle is spread over a larger area and warms it less.
+ Near the equator the change is small, and people speak of wet and dry seasons instead.
+ The longest day in the northern half is around 21 June.

# Tides
? What causes the tides? | Why does the sea rise and fall twice a day? | How does the Moon make the tides? | Why are there two high tides a day?
= The Moon pulls harder on the near side of the Earth than on the far side, which stretches the oceans into two bulges. | Tides arise since the Moon's gravity is stronger on the side facing it; the water bulges on both sides and the Earth turns beneath.
- The Sun adds its part, a bit less than half as strong.
- When Sun and Moon line up, at new and full moon, there are spring tides. | At full and new moon both pulls add up, and the water rises especially high.
+ In the Bay of Fundy the water rises by as much as sixteen metres.
+ Power plants such as the one on the Rance in France make electricity from the tide.

# Rainbows
? How does a rainbow form? | What makes a rainbow appear? | Why are rainbows curved? | Where do I have to look to see a rainbow?
= Sunlight enters raindrops, is split into colours, mirrored at the back and sent out at an angle of about 42 degrees. | Each raindrop bends the light, reflects it inside and bends it again, and as colours bend differently, they come out apart.
- The bow is part of a circle because all drops at the same angle from the line of sight send the same colour.
- A second, weaker bow with its colours reversed comes from light mirrored twice in the drops.
+ To see one, stand with the Sun low behind you and rain in front of you. | Turn your back to a low Sun and look at the shower ahead.
+ From an aeroplane a rainbow can be a full circle.

# Thunder and lightning
? What causes thunder? | Why do we see lightning before we hear the thunder? | How does lightning come about? | How far away is a thunderstorm?
= Ice particles in a cloud rub against each other and separate charges until a spark jumps; the heated air expands and we hear thunder. | Colliding ice and hail charge a storm cloud, lightning evens the charge out, and the suddenly hot air bangs.
- A bolt heats the air to about thirty thousand degrees, several times the surface of the Sun.
- Light arrives at once while sound needs about three seconds per kilometre.
+ Count the seconds between flash and bang and divide by three to get the distance in kilometres. | Seconds between flash and bang, divided by three: that's how many kilometres away it is.
+ A car is a safe place, for its metal body leads the current around those inside.

# Volcanoes
? Why do volcanoes erupt? | What makes a volcano erupt? | Where does lava come from? | Why are there so many volcanoes around the Pacific?
= Molten rock is lighter than the solid rock around it, rises, and gases dissolved in it expand and drive it out. | Magma climbs since it is buoyant, and near the surface its gas forms bubbles which push it out like soda from a shaken bottle.
- Most volcanoes stand where plates of the crust meet or part.
- The Ring of Fire around the Pacific marks places where ocean floor sinks beneath the neighbouring plate. | Around the Pacific the sea floor dives under other plates, and melting above it feeds a ring of volcanoes.
+ Volcanic ash makes fertile soil, so people settle near volcanoes in spite of the danger.
+ The eruption of Tambora in 1815 led to a year without a summer.

# Earthquakes
? What causes earthquakes? | Why does the ground shake in an earthquake? | Can earthquakes be predicted? | What should I do during an earthquake?
= Plates of the Earth's crust get stuck at their edges, tension builds up over years and is released with a jerk. | Rock along a fault is bent like a spring until it slips, and the energy runs through the ground as waves.
- Each step on the magnitude scale means about 32 times as much energy.
- Nobody can tell day and hour of a quake in advance, only how likely one is over decades.
+ Drop, take cover under a table and hold on until the shaking ends. | Safety advice is short: get down, get under a sturdy table, hold on.
+ Buildings on rubber bearings move less than the ground under them.

# Photosynthesis
? How does photosynthesis work? | How do plants make sugar from light? | Why are leaves green? | Where does the mass of a tree come from?
= Plants use the energy of light to turn carbon dioxide and water into sugar, and give off oxygen. | With sunlight as the engine, leaves build sugar out of water and carbon dioxide; oxygen is what is left over.
- Chlorophyll absorbs red and blue light and leaves the green, which is what we see.
- Most of the mass of a tree comes from the air, not from the soil. | Wood is largely carbon that was taken from the air.
+ House plants grow better near a window because light limits them more than fertiliser does.
+ Greenhouses sometimes add carbon dioxide to speed up growth.

# DNA and inheritance
? What does DNA do? | How does DNA store information? | Why do children look like their parents? | What is a gene?
= DNA is a chain of four kinds of building blocks whose order spells out the instructions for proteins. | The order of four bases along the double helix works like letters of a text that tells cells which proteins to make.
- A gene is a stretch that holds the plan for one product, in most cases a protein.
- Children get one half of their genes from each parent. | Every child is a new mix: half of the genes are the mother's, half the father's.
+ Identical twins share the same sequence, yet differ in fingerprints.
+ Tests compare short stretches to find out whether two people are related.

# Why ice floats
? Why does ice float on water? | Why is ice lighter than water? | Why do lakes freeze from the top? | What happens to water when it freezes?
= In ice the molecules stand in an open lattice that takes up about nine per cent more room, so ice is less dense than water. | Water expands when it freezes, since its molecules line up in a roomy lattice, and whatever is less dense floats.
- Water is densest at four degrees above freezing.
- Lakes therefore freeze from the top, and fish survive below. | The four-degree layer sinks, and so a lake keeps liquid water at the bottom in winter.
+ Pipes burst in winter because freezing water needs space. | Drain garden pipes before the frost, or the ice will crack them.
+ Bottles should not be filled to the brim before they go into the freezer.

# The greenhouse effect
? What is the greenhouse effect? | How does carbon dioxide warm the Earth? | Why does CO2 trap heat? | Would the Earth be cold without an atmosphere?
= Some gases let sunlight in but absorb the heat radiation that the ground gives off, so that the surface stays warmer. | Sunlight passes the air easily, yet the infrared rays going back out are held up by water vapour, carbon dioxide and methane.
- Without it the mean temperature would be around 18 degrees below freezing rather than 15 above.
- Burning coal, oil and gas has raised carbon dioxide by about half since the eighteenth century. | Measurements show half as much carbon dioxide again as before the age of steam.
+ Methane warms more strongly than carbon dioxide but stays in the air for only a dozen years.
+ A clear night gets colder than a cloudy one for the same reason: clouds send heat back.

# How magnets work
? How do magnets work? | Why is iron magnetic and copper isn't? | What makes a magnet attract iron? | Why does a compass point north?
= Electrons act as tiny magnets, and in iron whole regions of them line up and add to each other. | In a magnet the spins of countless electrons point the same way, so their small fields sum up to a large one.
- In copper the electrons come in pairs whose effects cancel out.
- Heat shakes the order apart: above 770 degrees iron is no longer magnetic. | A red-hot nail isn't attracted, because the heat has destroyed the common direction.
+ A compass needle lines up with the field that the liquid iron core of the Earth creates.
+ Cutting a magnet in two gives two magnets, each with a north and a south pole.

# Vaccines
? How do vaccines work? | Why does a vaccine protect against a disease? | What happens in the body after a vaccination? | What is herd immunity?
= A vaccine shows the immune system a harmless part or form of a germ, so that it builds memory cells before the real germ comes. | By meeting a weakened or partial germ the body learns to recognise it and answers faster at the next contact.
- Edward Jenner used cowpox to protect people from smallpox in 1796.
- When most people are immune, a disease can't spread and even those without protection are safer. | Enough immune people break the chains of infection, which shields babies and the sick.
+ A sore arm or a mild fever for a day shows that the immune system is at work.
+ Smallpox was declared wiped out in 1980 thanks to vaccination.

# Why we sleep
? Why do we need sleep? | What happens in the brain while we sleep? | How can I fall asleep more easily? | How many hours of sleep does an adult need?
= During sleep the brain sorts memories, clears waste and the body repairs itself. | Sleep is when the day is filed away: memories are strengthened, waste is washed out of the brain, tissue is mended.
- Adults need about seven to nine hours, teenagers more.
- Dreams are most vivid in the phases with rapid eye movements. | In the phases when the eyes dart about we dream the most.
+ Keep the bedroom cool and dark and get up at the same time every day. | A dark, cool room and a fixed time to rise help more than any pill.
+ Coffee after lunch can still be felt at midnight, as half of the caffeine remains after five hours.

# Continental drift
? Do continents really move? | What is plate tectonics? | Why do South America and Africa fit together? | How fast do continents drift?
= The outer shell of the Earth is broken into plates that move a few centimetres a year on slowly flowing rock. | Continents ride on plates, and the plates creep along about as fast as fingernails grow.
- Alfred Wegener proposed the idea in 1912 and was not believed for decades.
- Fossils of the same animals on both sides of the Atlantic were one of his arguments. | The same fossils in Brazil and in Africa speak for a time when both were joined.
+ The Himalayas rise because India pushes into Asia.
+ Satellite positioning measures the motion to the millimetre.

# Black holes
? What is a black hole? | Why can't light escape from a black hole? | How do black holes form? | How can we see a black hole if it is black?
= A black hole is a region where so much mass sits in so little space that nothing, not even light, gets out again. | Squeeze enough mass together and the speed needed to escape exceeds that of light; the result is a black hole.
- Many form when a massive star runs out of fuel and its core collapses.
- At the centre of the Milky Way sits one of four million solar masses. | Our galaxy circles around a black hole as heavy as four million Suns.
+ Hot gas spiralling in shines brightly, which is how the Event Horizon Telescope took its picture in 2019.
+ In 2015 detectors felt the waves from two black holes merging.
"""


def entities() -> list[Entity]:
    return [*ELEMENTS.entities(), *PLANETS.entities(), *topics("science", NATURE_TOPICS)]
