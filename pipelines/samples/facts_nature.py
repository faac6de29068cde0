"""Living things: animals and what they eat, plants and trees, organs of the human body."""

from __future__ import annotations

from pipelines.samples.facts import Entity, Relation, Table

ANIMALS = Table(
    field="animals",
    kind="animal",
    article=True,
    columns="name group home food young remark second",
    relations=(
        Relation(
            "Classification",
            ("What kind of animal is {n}?", "Which group of animals does {n} belong to?", "How is {n} classified?"),
            ("{N} is {group}.", "Zoologists class {n} as {group}.", "In terms of kinship {n} is {group}."),
        ),
        Relation(
            "Habitat",
            (
                "Where does {n} live?",
                "What is the habitat of {n}?",
                "In which places can you find {n} in the wild?",
                "Where would I have to go to see {n} in nature?",
            ),
            (
                "{N} lives in {home}.",
                "You can find {n} in {home}.",
                "The habitat of {n} is {home}.",
                "Wild populations of {n} are found in {home}.",
            ),
        ),
        Relation(
            "Diet",
            (
                "What does {n} eat?",
                "What is on the menu of {n}?",
                "What does the diet of {n} consist of?",
                "What would you feed {n} in a zoo?",
            ),
            (
                "{N} feeds on {food}.",
                "The diet of {n} consists of {food}.",
                "It eats {food}, which is what keepers in zoos try to match.",
                "Most meals of {n} are made up of {food}.",
            ),
        ),
        Relation(
            "Young",
            ("What do you call the young of {n}?", "What is the word for the offspring of {n}?"),
            (
                "A young one is called {young}.",
                "The proper word for the offspring of {n} is {young}.",
                "When {n} has offspring, each of them is called {young}.",
            ),
        ),
        Relation(
            "Special traits",
            (
                "What is special about {n}?",
                "How is {n} adapted to its life?",
                "What can {n} do that other animals can't?",
                "What surprising thing is known about {n}?",
            ),
            ("{remark}", "A trait worth mentioning: {remark}"),
        ),
        Relation(
            "Special traits",
            ("What else is there to know about {n}?", "Any strange facts about {n}?"),
            ("{second}", "Few people know this: {second}"),
        ),
    ),
    rows="""
Red fox | a member of the dog family | forests, farmland and cities of the northern half of the world | mice, rabbits, birds, worms and fruit | a cub or kit | {N} hears a mouse under deep snow and leaps on it from above. | Its bushy tail, the brush, serves as a blanket in cold nights.
Brown bear | a large meat eater of the bear family | mountains and forests of Eurasia and North America | berries, roots, fish and carrion | a cub | {N} sleeps through the winter in a den without eating or drinking. | Salmon runs let bears on the coast grow far heavier than their cousins inland.
Polar bear | a bear that counts as a marine mammal | the sea ice of the Arctic | seals above all | a cub | Under its white fur {n} has black skin. | {N} can swim for days between drifting floes.
Grey wolf | the wild ancestor of the dog | forests, steppe and tundra of the northern hemisphere | deer, elk, boar and hares | a pup | {N} lives in a pack that is in truth a family: two parents and their young. | A howl carries for kilometres and keeps the pack together.
Lion | a big cat | savannas of Africa and one forest in India | zebras, antelopes and buffaloes | a cub | {N} is the only cat that lives in large family groups, called prides. | The females do most of the hunting.
Tiger | the largest of the cats | forests of India, Siberia and south-eastern Asia | deer and wild boar | a cub | The stripes of {n} differ from one individual to the next like fingerprints. | Unlike most cats it likes to swim.
Cheetah | a slender cat | open grassland in Africa and a few places in Iran | gazelles and other small antelopes | a cub | {N} is the fastest runner on land, above one hundred kilometres per hour for a few seconds. | It can't roar, but it purrs and chirps.
African elephant | the heaviest land animal | savannas and forests south of the Sahara | grass, leaves, bark and fruit | a calf | {N} has a trunk with tens of thousands of muscle bundles and no bone. | Herds are led by an old female who remembers the way to water.
Giraffe | a hoofed mammal that chews the cud | dry woodland of Africa | leaves of acacia trees | a calf | {N} has only seven bones in its long neck, as many as a mouse. | Its heart must press blood two metres up to the brain.
Hippopotamus | a hoofed mammal related to whales | rivers and lakes of Africa | grass that it grazes at night | a calf | {N} oozes a reddish fluid that protects its skin from sunburn. | It can't truly swim and walks along the river bed instead.
Blue whale | a baleen whale | all the oceans | krill, several tonnes a day | a calf | {N} is the largest animal that has ever lived. | Its low calls travel for hundreds of kilometres under water.
Sperm whale | the largest toothed whale | deep seas all over the world | squid | a calf | {N} dives more than a kilometre deep and holds its breath for an hour. | It sleeps upright for a few minutes at a time.
Bottlenose dolphin | a toothed whale | warm and temperate seas | fish and squid | a calf | Each individual of {n} has a whistle of its own that works like a name. | It finds prey by listening to the echo of its clicks.
Bat | a mammal that truly flies | caves, trees and attics nearly everywhere | insects, or in warm countries fruit and nectar | a pup | {N} finds its way in the dark by calling and listening to the echo. | Its wing is a hand with very long fingers and skin between them.
Hedgehog | a small insect eater with spines | gardens and hedges of Europe, Asia and Africa | beetles, caterpillars and worms | a hoglet | {N} rolls into a ball of several thousand spines when it is scared. | Milk is bad for it, since it can't digest the sugar in it.
European mole | an insect eater that lives underground | meadows and gardens | earthworms | a pup | {N} keeps live worms in a larder after biting them so they can't crawl off. | Its blood takes up oxygen well even in the stale air of tunnels.
Beaver | the second largest rodent | rivers of Europe and North America | bark, twigs and water plants | a kit | {N} builds dams so that the entrance of its lodge stays under water. | Its front teeth are orange because the enamel holds iron.
Red squirrel | a tree-living rodent | conifer woods of Eurasia | seeds, nuts and mushrooms | a kitten | {N} hides nuts for the winter and forgets some, which then grow into trees. | Its tail is a counterweight when it jumps.
House mouse | a small rodent | near people, almost everywhere | grain, seeds and scraps | a pup | {N} can squeeze through a hole as wide as a pencil. | Males sing to females in tones too high for us to hear.
Camel | a hoofed animal of deserts, with one hump or two | dry lands of Africa and Asia | thorny shrubs and dry grass | a calf | The hump of {n} stores fat, not water. | It can drink a hundred litres in a quarter of an hour.
Horse | a hoofed animal with a single toe on each foot | pastures, and wild on some steppes | grass and hay | a foal | {N} can doze standing because its legs lock in place. | Its age shows in the wear of its teeth.
Domestic cow | a grazing animal with four stomach chambers | farms all over the world | grass, hay and silage | a calf | {N} brings its food up again and chews it a second time. | Microbes in the rumen break down the cellulose for it.
Sheep | a grazing animal kept for wool, milk and meat | hills and pastures | grass and herbs | a lamb | {N} remembers the faces of dozens of its flock for years. | Its eyes roll when it lowers its head, so that the pupils stay level and it sees all round while grazing.
Pig | a clever hoofed animal that eats nearly anything | farms | roots, grain, fruit and scraps | a piglet | {N} wallows in mud because it hardly sweats and must cool down. | Its nose is strong enough to dig and fine enough to find truffles.
Red kangaroo | a pouched mammal | dry inland plains of Australia | grass | a joey | {N} hops with little effort because its tendons store energy like springs. | The newborn is as small as a bean and climbs into the pouch by itself.
Koala | a pouched mammal, not a bear | eucalyptus woods of eastern Australia | eucalyptus leaves | a joey | {N} sleeps up to twenty hours a day since its food gives so little energy. | Its fingerprints look much like those of people.
Platypus | a mammal that lays eggs | rivers of eastern Australia and Tasmania | shrimps, worms and insect larvae | a puggle, as many call it | {N} senses the electric fields of its prey with its bill. | The male has a poisonous spur on each hind leg.
Emperor penguin | the largest penguin | the ice and seas around Antarctica | fish, krill and squid | a chick | The male of {n} carries the egg on its feet through the polar winter. | Huddling birds take turns to stand in the warm middle.
Ostrich | the largest bird | open land in Africa | grass, seeds and shrubs | a chick | {N} cannot fly but runs at seventy kilometres per hour. | Its eye is bigger than its brain.
Barn owl | a bird of prey of the night | farmland on most continents | mice and voles | an owlet | {N} flies without a sound thanks to the soft fringe of its feathers. | Its ears sit at different heights, which tells it how high a sound comes from.
Common swift | a fast bird with sickle-shaped wings | towns of Europe in summer, Africa in winter | insects caught in the air | a chick | {N} can stay in the air for ten months without landing. | It even sleeps while flying.
Arctic tern | a seabird | Arctic coasts, and Antarctic seas half a year later | small fish | a chick | {N} flies from pole to pole each year and so sees more daylight than any other animal. | It dives on anyone who comes near its nest.
Hummingbird | a tiny bird | the Americas | nectar and small insects | a chick | {N} can hover and fly backwards. | At night its heartbeat slows down sharply to save energy.
Raven | the largest songbird | most of the northern hemisphere | carrion, insects, eggs and grain | a chick | {N} solves puzzles and hides food out of the sight of others. | It is known to slide down snowy roofs for fun.
White stork | a tall wading bird | meadows of Europe, and Africa in winter | frogs, mice, insects and worms | a chick | {N} clatters with its bill because it has almost no voice. | It comes back to the same nest year after year.
Green sea turtle | a reptile of the sea | warm oceans | sea grass and algae | a hatchling | {N} returns to the beach where it hatched to lay its eggs. | The warmth of the sand decides whether the young become males or females.
Nile crocodile | a large reptile | rivers and lakes of Africa | fish, antelopes and zebras | a hatchling | {N} carries its young to the water in its mouth. | It can go without a meal for months.
Chameleon | a tree-living lizard | Africa, Madagascar and southern Europe | insects | a hatchling | {N} shoots out a tongue that is longer than its body. | It changes colour mostly to show its mood and to warm up.
Common frog | an amphibian | ponds and damp meadows of Europe | slugs, worms and insects | a tadpole | {N} breathes partly through its skin. | It pushes food down its throat by pulling in its eyes.
Axolotl | a salamander that never quite grows up | canals near Mexico City | worms and small water animals | a larva | {N} can regrow a lost leg, and even parts of its heart. | In the wild it has become very rare.
Atlantic salmon | a fish that lives in rivers and in the sea | the northern Atlantic and its rivers | insects, shrimps and small fish | a fry, later a smolt | {N} finds its home river by smell. | It leaps up waterfalls on its way to the spawning ground.
European eel | a snake-shaped fish | rivers and lakes of Europe | worms, crabs and fish | a glass eel | {N} swims thousands of kilometres to the Sargasso Sea to spawn. | For a long time nobody knew where it bred.
Seahorse | a small fish that swims upright | sea-grass beds in shallow water | tiny shrimps | a fry | In the case of {n} it is the male that gets pregnant. | It holds on to plants with its tail, because it swims poorly.
Great white shark | a large predatory fish | cool coastal seas | fish and seals | a pup | {N} senses the weak electric fields of living muscles. | Its teeth grow in rows and are replaced all its life.
Octopus | a mollusc without a shell | reefs and sea floors | crabs, mussels and snails | a hatchling | {N} has three hearts and blue blood. | Most of its nerve cells sit in its arms.
Honeybee | a social insect | hives, hollow trees and people's boxes | nectar and pollen | a larva | {N} tells its sisters by a dance where flowers are to be found. | A worker makes about a twelfth of a teaspoon of honey in her life.
Leafcutter ant | a social insect | forests of the Americas | a fungus that it grows on leaves | a larva | {N} was a farmer millions of years before humans were. | Small workers ride on the leaf pieces and guard the carriers.
Monarch butterfly | an insect that migrates | North America | nectar, and milkweed as a caterpillar | a caterpillar | {N} flies to the mountains of Mexico for the winter. | Poison from milkweed makes it taste bad to birds.
Garden spider | an arachnid with eight legs | gardens and hedges | flies and other insects in its web | a spiderling | {N} eats its old web and spins a new one almost every night. | Its silk is tougher than steel of the same weight.
Earthworm | a ringed worm | moist soil | dead leaves and soil | a small worm from a cocoon | {N} mixes and airs the ground and so makes it fertile. | It is male and female at the same time.
""",
)

TREES = Table(
    field="gardening",
    kind="plant",
    columns="name latin looks place use remark",
    article=True,
    bare=frozenset({"Basil", "Lavender"}),
    relations=(
        Relation(
            "Name",
            ("What is the scientific name of {n}?", "What do botanists call {n}?", "What is the Latin name of {n}?"),
            (
                "Botanists call {n} {latin}.",
                "{N} bears the scientific name {latin}.",
                "In Latin {n} goes by {latin}.",
            ),
        ),
        Relation(
            "Description",
            ("How can I recognise {n}?", "What does {n} look like?", "By which signs do you tell {n} from others?"),
            ("You recognise {n} by {looks}.", "{N} stands out with {looks}.", "Typical signs of {n} are {looks}."),
        ),
        Relation(
            "Growing",
            ("Where does {n} grow best?", "What conditions does {n} need?", "Where should I plant {n}?"),
            ("{N} grows best in {place}.", "A good spot for {n} is {place}.", "Plant {n} in {place}."),
        ),
        Relation(
            "Uses",
            ("What is {n} used for?", "What are the uses of {n}?", "Is {n} good for anything?"),
            ("{N} is used for {use}.", "People value {n} for {use}.", "What {n} gives us: {use}."),
        ),
        Relation("Remarks", ("What is remarkable about {n}?",), ("{remark}", "One more thing: {remark}")),
    ),
    rows="""
English oak | Quercus robur | lobed leaves and acorns on long stalks | deep soil with plenty of light | barrels, beams and floors | {N} feeds hundreds of kinds of insects.
Silver birch | Betula pendula | white bark that peels in strips | light, sandy ground | plywood and firewood that burns even when damp | {N} is among the first trees to settle on bare land.
European beech | Fagus sylvatica | smooth grey bark and pointed copper-brown buds | moist soil that doesn't get waterlogged | furniture, toys and smoking meat | {N} casts such deep shade that little grows beneath it.
Norway spruce | Picea abies | hanging cones and needles that stand on little pegs | cool and humid mountains | paper, timber and the tops of violins | {N} has shallow roots, so that storms topple it easily.
Scots pine | Pinus sylvestris | an orange upper trunk and needles in pairs | dry and poor soil | masts, furniture and resin | Many cones of {n} take two years to ripen.
Ginkgo | Ginkgo biloba | fan-shaped leaves that turn yellow in autumn | sunny streets, since it bears dirty air | shade in cities and nuts in Asian cooking | {N} is the last survivor of a group that was common in the age of dinosaurs.
Giant sequoia | Sequoiadendron giganteum | thick, soft, red bark | the western slopes of the Sierra Nevada | mainly the pleasure of seeing it, as the wood is brittle | {N} needs fire to open its cones and clear the ground.
Weeping willow | Salix babylonica | thin branches that hang down to the ground | damp ground near water | baskets and the banks of ponds | A twig of {n} stuck into wet soil will usually take root.
Apple tree | Malus domestica | pinkish white blossoms in spring | sunny places with another variety close by | fruit, juice and cider | {N} doesn't come true from seed, so that varieties are grafted.
Tomato | Solanum lycopersicum | hairy stems with a strong smell and yellow flowers | a warm and sunny spot sheltered from rain | salads, sauces and soups | {N} is a fruit to botanists and a vegetable to cooks.
Potato | Solanum tuberosum | white or violet flowers above edible tubers | loose soil that is heaped up around the stems | one of the staple foods of the world | Green spots on {n} hold a poison called solanine.
Common bean | Phaseolus vulgaris | leaves in threes and long pods | warm soil after the last frost | protein-rich seeds | Bacteria in the roots of {n} take nitrogen from the air and feed the soil.
Lavender | Lavandula angustifolia | grey-green leaves and violet spikes | full sun and dry, chalky soil | perfume, soap and keeping moths away | {N} should be cut back each year or it turns woody.
Basil | Ocimum basilicum | shiny leaves with a sweet, peppery smell | a warm windowsill with even moisture | pesto and tomato dishes | Pinching off the flowers keeps {n} making leaves.
Sunflower | Helianthus annuus | a large yellow flower head on a tall stalk | rich soil in full sun | oil, seeds and bird food | Young heads of {n} follow the sun; grown ones face east.
Common nettle | Urtica dioica | toothed leaves with stinging hairs | soil rich in nitrogen | spinach-like dishes, tea and, once, cloth | Caterpillars of several butterflies depend on {n}.
""",
)

ORGANS = Table(
    field="health",
    kind="organ",
    columns="name place task remark care",
    article=True,
    relations=(
        Relation(
            "Position",
            ("Where in the body is {n}?", "Where do I find {n} in the human body?", "Whereabouts does {n} sit?"),
            ("{N} lies {place}.", "You find {n} {place}.", "In the human body {n} sits {place}."),
        ),
        Relation(
            "Function",
            (
                "What does {n} do?",
                "What is the job of {n}?",
                "What do we need {n} for?",
                "Which function does {n} have in the body?",
            ),
            ("{N} {task}.", "Its job: {n} {task}.", "In a healthy body {n} {task}."),
        ),
        Relation(
            "Details",
            ("What is surprising about {n}?", "Is there something unusual about {n}?"),
            ("{remark}", "Doctors like to point this out: {remark}"),
        ),
        Relation(
            "Health",
            ("How do I keep {n} healthy?", "What is good for {n}?", "How can I take care of {n}?"),
            ("{care}", "Common advice from doctors: {care}"),
        ),
    ),
    rows="""
Heart | behind the breastbone, slightly to the left | pumps blood through two loops, one to the lungs and one to the rest | {N} beats about a hundred thousand times a day. | Regular movement, no smoking and a normal blood pressure keep {n} fit.
Liver | under the ribs on the right | clears poisons from the blood, stores sugar and makes bile | {N} can grow back after a large part is removed. | {N} suffers from alcohol and from too much sugar, so both call for restraint.
Kidney | at the back, below the lower ribs | filters the blood and makes urine | A person can live with a single one. | Drinking enough and keeping blood pressure low protects {n}.
Lung | in the chest on each side of the heart | takes oxygen from the air and gives off carbon dioxide | The many small sacs of {n} together have the area of half a tennis court. | Not smoking is the best thing anyone can do for {n}.
Stomach | in the upper left of the belly | mixes food with acid and breaks down protein | {N} renews its lining every few days, or it would digest itself. | Smaller meals and less haste do {n} good.
Small intestine | coiled up in the middle of the belly | takes up most of the nutrients from food | {N} is about six metres long. | Varied food with fibre keeps {n} busy and well.
Large intestine | around the coils of the small intestine | takes back water and houses helpful bacteria | Trillions of microbes live in {n}. | Whole grains, beans and vegetables feed the bacteria in {n}.
Pancreas | behind the stomach | makes insulin and juices for digestion | {N} belongs both to digestion and to the hormone system. | Moderate drinking and a healthy weight lower the strain on {n}.
Spleen | in the upper left of the belly, behind the stomach | sorts out old red blood cells and helps fight infections | People can live without {n}, yet they catch some infections more easily. | Those who have lost {n} should keep their vaccinations up to date.
Brain | inside the skull | processes what we sense, stores memories and steers the body | {N} uses about a fifth of the body's energy. | Sleep, movement and learning new things are good for {n}.
Skin | all around the body | keeps germs out, water in and the temperature even | {N} is the largest organ. | Shade, clothes and sunscreen protect {n} from ultraviolet light.
Eye | in a bony socket of the skull | bends light onto a layer of cells that turn it into nerve signals | The image on the back of {n} is upside down; the brain turns it round. | Looking into the distance now and then rests {n} during screen work.
Inner ear | in the bone behind the outer ear | turns sound into nerve signals and senses balance | The coiled part of {n} has the shape of a snail shell. | Loud music can damage {n} for good, so ear plugs make sense at concerts.
Thyroid | at the front of the neck | makes hormones that set the pace of metabolism | {N} has the shape of a butterfly. | {N} needs iodine, found in sea fish and iodised salt.
Gall bladder | under the liver | stores bile until a fatty meal comes along | Stones in {n} are common and often cause no trouble. | Slow rather than sudden weight loss avoids stones in {n}.
Tongue | in the mouth | moves food, forms speech and tastes | All parts of {n} sense all tastes; the map of zones is a myth. | Brushing {n} gently reduces bad breath.
Diaphragm | between chest and belly | draws air into the lungs by pulling down | A cramp-like twitch of {n} is what we call a hiccup. | Slow breathing into the belly trains {n}.
Bone marrow | inside the larger bones | makes red and white blood cells and platelets | {N} makes millions of red blood cells every second. | Iron, folic acid and vitamin B12 from food are what {n} builds with.
""",
)


def entities() -> list[Entity]:
    return [*ANIMALS.entities(), *TREES.entities(), *ORGANS.entities()]
