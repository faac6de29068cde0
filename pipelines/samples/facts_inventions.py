"""Human doings: inventions, people of science, and events of history."""

from __future__ import annotations

from pipelines.samples.facts import Entity, Relation, Table

INVENTIONS = Table(
    field="history",
    kind="invention",
    article=True,
    columns="name who when how effect remark",
    relations=(
        Relation(
            "Inventor",
            (
                "Who invented {n}?",
                "Whose idea was {n}?",
                "Who came up with {n}?",
                "Who is credited with {n}?",
            ),
            (
                "{N} goes back to {who}.",
                "Histories of technology credit {n} to {who}.",
                "For {n} we have to thank {who}.",
                "We owe {n} to {who}.",
            ),
        ),
        Relation(
            "Date",
            (
                "When was {n} invented?",
                "How old is {n}?",
                "Since when has {n} been around?",
                "In which year did {n} appear?",
            ),
            (
                "{N} appeared {when}.",
                "It was {when} that {n} came into the world.",
                "The date usually given for {n} lies {when}.",
            ),
        ),
        Relation(
            "How it works",
            ("How does {n} work?", "What is the principle of {n}?", "Can somebody explain {n} in simple words?"),
            ("{how}", "The principle is simple: {how}", "To put it in plain words: {how}"),
        ),
        Relation(
            "Effect",
            ("Why was {n} important?", "What did {n} change?", "How did {n} change daily life?"),
            ("{effect}", "Historians stress its effect: {effect}"),
        ),
        Relation("Remarks", ("Is there a good story about {n}?",), ("{remark}", "A story goes with it: {remark}")),
    ),
    rows="""
Printing press | Johannes Gutenberg in Mainz | around 1450 | {N} uses movable metal letters that are inked and pressed onto paper. | {N} made books cheap and spread ideas faster than copying by hand ever could. | Gutenberg lost his workshop to the man who had lent him the money.
Telescope | Hans Lippershey, a Dutch maker of spectacles | in 1608 | {N} gathers light with a lens or mirror and enlarges the image with a second lens. | With {n} Galileo saw moons circling Jupiter, which shook the old picture of the world. | Lippershey was refused a patent because others claimed the same idea.
Steam engine | Thomas Newcomen, and James Watt in its improved form | in 1712 | {N} lets steam push a piston, and cooling the steam pulls it back. | {N} drove mines, mills and railways and so the industrial revolution. | The unit of power is named after Watt.
Hot-air balloon | the brothers Montgolfier in France | in 1783 | {N} rises because heated air is less dense than the air around it. | For the first time people could fly, thanks to {n}. | The first passengers were a sheep, a duck and a rooster.
Battery | Alessandro Volta | in 1800 | {N} has two metals in a salty liquid; a chemical reaction drives electrons from one to the other. | {N} gave scientists a steady current for the first time. | Volta wanted to prove that frogs' legs were not the source of electricity.
Stethoscope | René Laennec | in 1816 | {N} leads the sounds of heart and lungs through a tube to the ear. | {N} let doctors hear diseases of the chest while the patient was alive. | The first one was a rolled-up sheet of paper.
Photograph | Nicéphore Niépce and Louis Daguerre | in the 1820s and 1830s | {N} is made when light changes a sensitive layer behind a lens. | With {n}, everybody could own a portrait. | The oldest surviving one took hours of exposure.
Telegraph | Samuel Morse, and Cooke and Wheatstone in Britain | in the 1830s | {N} sends pulses of current along a wire, short and long ones standing for letters. | News that had taken weeks arrived in minutes through {n}. | The first message of Morse read: What hath God wrought.
Bicycle | Karl Drais, who built a wooden one without pedals | in 1817 | {N} stays upright because the rider steers into every fall. | {N} gave people a cheap way to travel, and women new freedom. | A year without harvest, when horses starved, is said to have inspired it.
Telephone | Alexander Graham Bell, though others worked on it too | in 1876 | {N} turns the pressure of sound into a current and back again. | {N} let voices travel where only letters had gone. | Bell filed his patent on the same day as a rival, Elisha Gray.
Light bulb | Joseph Swan and Thomas Edison | around 1879 | {N} heats a thin thread in a vacuum until it glows. | {N} made nights bright without the danger of open flames. | A bulb in a fire station in California has burned since 1901.
Automobile | Carl Benz, with help from Bertha Benz | in 1885 | {N} burns fuel in cylinders, and the pistons turn the wheels. | {N} changed cities, which were rebuilt around roads. | Bertha Benz made the first long drive and bought fuel at a pharmacy.
Aeroplane | Orville and Wilbur Wright | in December 1903 | {N} is carried by wings that push air downwards as it moves forward. | {N} shrank oceans to a matter of hours. | The first flight lasted twelve seconds.
Zip fastener | Whitcomb Judson and Gideon Sundback | between 1893 and 1913 | {N} has a slider that pushes two rows of teeth into each other. | {N} replaced rows of buttons and hooks. | It took decades until clothes makers trusted it.
X-ray tube | Wilhelm Röntgen, who discovered the rays | in 1895 | {N} shoots electrons at metal, which then sends out rays that pass through flesh but less through bone. | {N} let surgeons look inside a body without cutting. | The first picture of a person showed the hand of his wife.
Radio | Guglielmo Marconi and several others | in the 1890s | {N} sends waves from an antenna, and a circuit tuned to them picks them up. | Ships could call for help by {n}. | In 1901 Marconi claimed to have heard the letter S across the Atlantic.
Vacuum cleaner | Hubert Cecil Booth | in 1901 | {N} draws air through a filter that holds back the dust. | {N} spared people from beating carpets. | The first machine was so large that a horse cart had to carry it.
Refrigerator | several engineers, among them Carl von Linde | in the late nineteenth century | {N} lets a liquid evaporate inside, which takes up heat, and condenses it again outside. | {N} keeps food fresh for days and makes long supply chains possible. | Even Albert Einstein held a patent on one.
Television | John Logie Baird and Philo Farnsworth | in the 1920s | {N} sends a picture line after line and draws it again on a screen. | {N} brought events of the world into living rooms. | Baird used the head of a dummy as his first star.
Penicillin treatment | Alexander Fleming, and Howard Florey and Ernst Chain who made it a medicine | in 1928 and the years around 1940 | {N} relies on a substance from mould that stops bacteria from building their walls. | {N} turned many deadly infections into minor ones. | A forgotten dish in a laboratory started it all.
Jet engine | Frank Whittle and Hans von Ohain | in the 1930s | {N} sucks in air, compresses it, burns fuel in it and throws it out at the back. | {N} made long flights fast and affordable. | Both inventors worked without knowing of each other.
Ballpoint pen | László Bíró | in 1938 | {N} rolls a tiny ball in its tip, which carries thick ink to the paper. | {N} ended the age of ink blots in schools. | Bíró saw how fast newspaper ink dries and wanted the same for a pen.
Microwave oven | Percy Spencer | in 1945 | {N} makes water molecules turn back and forth, and their motion heats the food. | {N} made reheating a matter of a minute. | A bar of chocolate that melted in a pocket gave Spencer the idea.
Transistor | John Bardeen, Walter Brattain and William Shockley | in 1947 | {N} uses a small current or voltage to switch a larger current. | {N} replaced vacuum tubes and made computers small. | A modern chip holds billions of them.
Hook-and-loop fastener | George de Mestral | in 1941 | {N} presses tiny hooks into a felt of loops. | {N} made shoes for children easy to close. | The burrs in the fur of his dog showed de Mestral how to do it.
Laser | Theodore Maiman, who built the first one | in 1960 | {N} makes atoms give off light in step, so that the beam stays narrow. | {N} reads discs, cuts steel and corrects eyes. | At first people called it a solution looking for a problem.
Computer mouse | Douglas Engelbart | in the 1960s | {N} reports how it is moved on the desk, and a pointer follows. | {N} made computers usable without typed commands. | The first one was a wooden box with two wheels.
World Wide Web | Tim Berners-Lee at CERN | in 1989 | {N} joins pages by links that are fetched over the internet by their addresses. | {N} opened the internet to everybody. | CERN gave the idea away for free in 1993.
Barcode | Norman Woodland and Bernard Silver | around 1950 | {N} stores a number in the widths of dark and light stripes. | {N} shortened the lines at supermarket tills. | Woodland drew the first stripes in the sand of a beach.
Compass | craftsmen in China | about two thousand years ago | {N} has a magnetic needle that lines up with the field of the Earth. | {N} let sailors keep their course under clouds. | Long before it was used on ships, it served to choose lucky places for houses.
""",
)

PEOPLE = Table(
    field="history",
    kind="person",
    columns="name pronoun land born work known remark",
    relations=(
        Relation(
            "Life",
            ("When was {n} born?", "Where did {n} come from?", "In which country was {n} born?"),
            (
                "{N} was born in {born} in {land}.",
                "{born} is the year of birth of {n}, who came from {land}.",
                "Born in {land} in {born}, {n} grew up there.",
            ),
        ),
        Relation(
            "Work",
            ("What was the profession of {n}?", "What did {n} do for a living?", "Who was {n}?"),
            ("{N} was {work}.", "{N} worked as {work}.", "Encyclopedias describe {n} as {work}."),
        ),
        Relation(
            "Achievements",
            (
                "What is {n} known for?",
                "What did {n} discover?",
                "Why is {n} famous?",
                "What is the most important achievement of {n}?",
            ),
            (
                "{N} {known}.",
                "The fame of {n} rests on this: {pronoun} {known}.",
                "Students learn about {n} because {pronoun} {known}.",
            ),
        ),
        Relation(
            "Anecdotes",
            ("What is a good anecdote about {n}?", "Anything unusual about {n}?"),
            ("{remark}", "An often told detail: {remark}"),
        ),
    ),
    rows="""
Galileo Galilei | he | Italy | 1564 | an astronomer and physicist | found four moons of Jupiter and studied how things fall | {N} spent his last years under house arrest for teaching that the Earth moves.
Johannes Kepler | he | Germany | 1571 | an astronomer and mathematician | found that planets move along ellipses | {N} had to defend his own mother in a witch trial.
Isaac Newton | he | England | 1643 | a physicist and mathematician | explained falling apples and circling moons by one law of gravity | {N} later ran the Royal Mint and hunted counterfeiters.
Maria Sibylla Merian | she | Germany | 1647 | a painter and naturalist | showed how caterpillars turn into butterflies | {N} travelled to Suriname at the age of fifty-two to draw insects.
Carl Linnaeus | he | Sweden | 1707 | a botanist | gave plants and animals names of two Latin words | {N} named an ugly weed after a critic.
Benjamin Franklin | he | the American colonies | 1706 | a printer, scientist and statesman | showed that lightning is electric and invented the lightning rod | {N} proposed to get up earlier in summer to save candles.
Caroline Herschel | she | Germany | 1750 | an astronomer | found eight comets | {N} was among the first women to be paid for scientific work.
Carl Friedrich Gauss | he | Germany | 1777 | a mathematician | laid the ground for number theory and the theory of errors | {N} is said to have summed the numbers from 1 to 100 in a moment as a schoolboy.
Michael Faraday | he | England | 1791 | a physicist and chemist | discovered how a moving magnet makes a current | {N} began as an apprentice to a bookbinder and read what he bound.
Mary Anning | she | England | 1799 | a fossil hunter | dug out the first complete plesiosaur | {N} searched the cliffs with her dog, who died in a rockfall.
Charles Darwin | he | England | 1809 | a naturalist | explained the origin of species by natural selection | {N} studied earthworms for decades.
Ada Lovelace | she | England | 1815 | a mathematician | published what is often called the first computer program | {N} was the daughter of the poet Byron.
Louis Pasteur | he | France | 1822 | a chemist | proved that germs cause decay and developed a vaccine against rabies | {N} saved the French silk industry from a disease of the worms.
Gregor Mendel | he | Austrian Silesia | 1822 | a friar | found the rules of inheritance by crossing peas | {N} was understood only after his death.
James Clerk Maxwell | he | Scotland | 1831 | a physicist | united electricity, magnetism and light in a few equations | {N} took the first lasting colour photograph.
Dmitri Mendeleev | he | Russia | 1834 | a chemist | arranged the elements in the periodic table | {N} left gaps for elements which were later found.
Robert Koch | he | Germany | 1843 | a doctor | found the bacterium that causes tuberculosis | {N} grew microbes on slices of potato at first.
Nikola Tesla | he | the Austrian Empire, in today's Croatia | 1856 | an engineer | developed motors for alternating current | {N} loved pigeons and fed them in the parks of New York.
Marie Curie | she | Poland | 1867 | a physicist and chemist | discovered polonium and radium | {N} is the only person with Nobel Prizes in two sciences; her notebooks are still radioactive.
Ernest Rutherford | he | New Zealand | 1871 | a physicist | showed that atoms have a tiny heavy nucleus | {N} got the Nobel Prize for chemistry, to his own surprise.
Lise Meitner | she | Austria | 1878 | a physicist | explained the splitting of the uranium nucleus | {N} refused to work on the bomb.
Albert Einstein | he | Germany | 1879 | a physicist | developed the theory of relativity | {N} was a clerk in a patent office when he wrote his famous papers.
Alfred Wegener | he | Germany | 1880 | a meteorologist | proposed that continents drift | {N} died on the ice of Greenland during an expedition.
Emmy Noether | she | Germany | 1882 | a mathematician | linked symmetries with conservation laws | {N} had to lecture under the name of a male colleague for years.
Niels Bohr | he | Denmark | 1885 | a physicist | described the atom with electrons on fixed levels | {N} was a keen football player in his youth.
Barbara McClintock | she | the United States | 1902 | a geneticist | discovered genes that jump | {N} worked with maize, whose coloured kernels gave her the clue.
Alan Turing | he | England | 1912 | a mathematician | defined what can be computed and helped to break the Enigma code | {N} was a runner of nearly Olympic pace.
Rosalind Franklin | she | England | 1920 | a chemist | took the X-ray pictures that revealed the shape of DNA | {N} also studied coal and viruses.
Jane Goodall | she | England | 1934 | a primatologist | saw that chimpanzees make tools | {N} gave the animals names instead of numbers.
Katherine Johnson | she | the United States | 1918 | a mathematician | calculated the paths of the first American space flights | John Glenn asked that {n} check the numbers of the computer before he flew.
""",
)

EVENTS = Table(
    field="history",
    kind="event",
    columns="name when where what result remark",
    small=False,
    relations=(
        Relation(
            "Date and place",
            ("When was {n}?", "In which year did {n} take place?", "Where and when did {n} happen?"),
            (
                "{N} took place {when} in {where}.",
                "The time and place of {n}: {when}, in {where}.",
                "It was {when} that {where} saw {n}.",
            ),
        ),
        Relation(
            "Course",
            ("What happened in {n}?", "What was {n} about?", "Can you sum up {n} in a sentence or two?"),
            ("{what}", "In short, this is what happened: {what}", "The story of {n} is told quickly. {what}"),
        ),
        Relation(
            "Consequences",
            ("What were the consequences of {n}?", "Why does {n} matter?", "What followed from {n}?"),
            ("{result}", "What followed: {result}", "Its consequences were lasting. {result}"),
        ),
        Relation(
            "Details",
            ("What is a little-known detail about {n}?",),
            ("{remark}", "A detail that is seldom told: {remark}"),
        ),
    ),
    rows="""
the building of the Great Pyramid | in the 26th century BC | Egypt | Workers piled up more than two million blocks as a tomb for the king Khufu. | For almost four thousand years no building was taller than the one that came out of {n}. | The workers were not slaves; graves and bakeries show that they were fed and honoured.
the Battle of Marathon | in 490 BC | Greece | An army of Athens beat a larger Persian force on the coast. | {N} saved the young democracy of Athens. | The tale of the runner who fell dead after bringing the news was written down much later.
the eruption of Vesuvius | in AD 79 | Italy | Ash and hot gas buried Pompeii and Herculaneum within two days. | Thanks to {n} we know how Roman bakeries, paintings and even loaves looked. | Pliny the Younger described it in letters to a friend.
the Norman conquest | in 1066 | England | William of Normandy beat King Harold near Hastings and took the crown. | English took in thousands of French words after {n}. | The Bayeux Tapestry tells the story on seventy metres of cloth.
the sealing of Magna Carta | in 1215 | England | Barons forced King John to accept that he too was bound by law. | {N} became a symbol of the rule of law. | The pope declared the charter void after a few weeks.
the Black Death | between 1347 and 1351 | Europe | A plague spread by fleas killed a third of the people or more. | After {n} workers were rare and wages rose. | Ships had to wait forty days before landing, which gave us the word quarantine.
the fall of Constantinople | in 1453 | the Byzantine Empire | Sultan Mehmed II took the city with the help of huge cannons. | {N} ended an empire that had lasted over a thousand years. | Scholars who fled brought Greek books to Italy.
the voyage of Columbus | in 1492 | the Atlantic | Three ships looked for a western way to Asia and found islands of the Caribbean. | {N} began the exchange of plants, animals and diseases between two worlds. | Columbus held until his death that he had reached Asia.
the voyage of Magellan | from 1519 to 1522 | all the oceans | Five ships left Spain, and a single one came home after sailing around the globe. | {N} proved how large the Pacific is. | Magellan himself was killed on the way, in the Philippines.
the Great Fire of London | in September 1666 | England | A fire in a bakery destroyed more than thirteen thousand houses. | After {n} the city was rebuilt in brick and stone. | The mayor had first said that the fire was not worth worrying about.
the Lisbon earthquake | on 1 November 1755 | Portugal | A quake, a giant wave and fires destroyed most of the city. | {N} led to the first scientific survey of an earthquake. | Philosophers argued about it for years.
the French Revolution | from 1789 | France | Hunger and debt made the people rise against the king. | {N} brought the metric system and the idea of equal rights. | Its calendar had weeks of ten days.
the Louisiana Purchase | in 1803 | North America | The United States bought a vast area from France for fifteen million dollars. | {N} doubled the size of the country. | The envoys had wanted to buy just one harbour town.
the Battle of Waterloo | in June 1815 | today's Belgium | British and Prussian troops beat Napoleon for good. | {N} opened a long time of peace among the great powers. | Rain had softened the ground, so that the French attacked late.
the opening of the Suez Canal | in 1869 | Egypt | A waterway joined the Mediterranean with the Red Sea after ten years of digging. | {N} cut the sea route from Europe to India by thousands of kilometres. | A statue planned for its entrance later became the model of the Statue of Liberty.
the race to the South Pole | in 1911 and 1912 | Antarctica | Roald Amundsen arrived five weeks before Robert Scott. | {N} showed how much dogs and skis are worth on the ice. | Scott and his four companions died on the way back.
the sinking of the Titanic | in April 1912 | the northern Atlantic | A liner hit an iceberg on its first trip and went down in less than three hours. | After {n} ships had to carry boats for everyone on board. | A novel of 1898 had told of a ship called Titan that met the same end.
the fall of the Berlin Wall | on 9 November 1989 | Germany | A spokesman announced by mistake that the border was open at once, and crowds walked through. | {N} led to German unity within a year. | Some pieces of concrete now stand in museums all over the world.
the first landing on the Moon | in July 1969 | the Sea of Tranquillity | Neil Armstrong and Buzz Aldrin spent about two and a half hours walking outside. | {N} brought home rocks that tell how the Moon was formed. | The computer on board had less memory than a pocket calculator of later years.
the end of apartheid | between 1990 and 1994 | South Africa | Nelson Mandela was freed, and all citizens could vote for the first time. | {N} gave the country a new constitution. | The voters stood in line for hours, some for more than a day.
the Chernobyl disaster | in April 1986 | today's Ukraine | A test went wrong and a reactor exploded. | After {n} a zone around the plant was emptied of people. | Wolves, lynxes and wild horses now live in the zone.
the accident of Apollo 13 | in April 1970 | space, on the way to the Moon | An oxygen tank burst, and the crew used the lunar lander as a lifeboat. | {N} is remembered as a failure that was mastered with calm and tape. | The crew fitted a square filter to a round hole with what they had on board.
""",
)


def entities() -> list[Entity]:
    return [*INVENTIONS.entities(), *PEOPLE.entities(), *EVENTS.entities()]
