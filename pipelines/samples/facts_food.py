"""Cooking: dishes with their ingredients, and why kitchen rules are as they are."""

from __future__ import annotations

from pipelines.samples.facts import Entity, Relation, Table, topics

DISHES = Table(
    field="cooking",
    kind="dish",
    small=True,
    columns="name home main method time tip",
    relations=(
        Relation(
            "Origin",
            ("Where does {n} come from?", "Which cuisine does {n} belong to?", "What is the home of {n}?"),
            ("{N} comes from {home}.", "The home of {n} is {home}.", "Cooks in {home} claim {n} as their own."),
        ),
        Relation(
            "Ingredients",
            (
                "What goes into {n}?",
                "Which ingredients do I need for {n}?",
                "What is {n} made of?",
                "What should I buy to cook {n}?",
            ),
            (
                "{N} is made with {main}.",
                "For {n} you need {main}.",
                "The ingredients of {n} are {main}.",
                "On the shopping list for {n}: {main}.",
            ),
        ),
        Relation(
            "Preparation",
            (
                "How do I make {n}?",
                "How is {n} cooked?",
                "What are the steps for {n}?",
                "Does anybody have a simple recipe for {n}?",
            ),
            ("{method}", "To make {n}, do as follows. {method}", "This is how my grandmother did it. {method}"),
        ),
        Relation(
            "Time",
            ("How long does {n} take to cook?", "How much time should I plan for {n}?"),
            ("Plan about {time} for {n}.", "From start to table {n} takes about {time}.", "{N} needs {time} or so."),
        ),
        Relation(
            "Tips",
            ("How do I get {n} right?", "What is the secret of good {n}?"),
            ("{tip}", "The secret lies in one detail: {tip}"),
        ),
    ),
    rows="""
Risotto | northern Italy | short-grain rice, broth, onion, butter and Parmesan | Toast the rice with the onion, add hot broth ladle by ladle while stirring, and finish with butter and cheese. | half an hour | Keep the broth hot, or the rice cooks unevenly.
Ratatouille | Provence | aubergine, courgette, peppers, tomatoes and herbs | Fry each vegetable alone, then let them stew together with garlic and thyme. | an hour | Salting the aubergine first keeps it from soaking up oil.
Paella | Valencia in Spain | round rice, saffron, beans, and chicken or seafood | Spread the rice in a wide pan, pour in the broth and do not stir until a crust forms at the bottom. | fifty minutes | The crust at the bottom, the socarrat, is the best part, so leave it alone.
Goulash | Hungary | beef, onions, paprika and caraway | Brown plenty of onions, take the pan off the heat for the paprika, then add the meat and simmer gently. | three hours | Paprika burns easily and turns bitter, so never fry it on high heat.
Pierogi | Poland | wheat dough, potatoes, curd cheese and onions | Fill rounds of thin dough, press the edges together and boil them until they float. | an hour and a half | Let the dough rest for half an hour and it will roll out without shrinking.
Borscht | Ukraine | beetroot, cabbage, potatoes, carrots and sour cream | Simmer the vegetables in broth, adding the beetroot with a dash of vinegar. | an hour and a half | The acid of the vinegar keeps the beetroot red.
Hummus | the Levant | chickpeas, sesame paste, lemon and garlic | Cook the chickpeas until very soft and blend them with sesame paste, lemon juice and ice water. | an hour, plus a night of soaking | A pinch of baking soda in the cooking water makes the skins fall apart.
Falafel | Egypt and the Levant | soaked raw chickpeas or fava beans, parsley, coriander and cumin | Grind the soaked pulses with the herbs, form small balls and fry them in hot oil. | half an hour, plus soaking | Canned chickpeas are too wet; the balls would fall apart.
Shakshuka | North Africa | tomatoes, peppers, cumin and eggs | Cook a thick spicy sauce, make hollows in it and let the eggs set in them. | half an hour | Put a lid on for the last minutes so that the whites set while the yolks stay soft.
Injera | Ethiopia | teff flour and water | Let a thin batter ferment for some days and bake it on one side in a large pan. | three days, mostly waiting | Bubbles that open on the upper side, the eyes, show that it has fermented well.
Dal | India | lentils, turmeric, onions, tomatoes and spices fried in butter | Boil the lentils with turmeric until they fall apart and pour sizzling spiced butter over them. | forty minutes | Add the salt at the end and the lentils soften sooner.
Biryani | southern Asia | basmati rice, spiced meat or vegetables, yoghurt and saffron | Layer half-cooked rice and marinated meat in a pot, seal it and let it steam. | two hours | Take the rice off the boil while its core is still firm, for it will finish in the steam.
Pad thai | Thailand | rice noodles, egg, tofu, tamarind, bean sprouts and peanuts | Soak the noodles, fry everything in a very hot wok and toss it with the sour-sweet sauce. | half an hour | Cook one or two portions at a time, or the wok gets too cool.
Pho | Vietnam | beef bones, star anise, ginger, rice noodles and fresh herbs | Simmer bones with charred ginger and onion for hours, and pour the clear broth over noodles and raw beef. | six hours | Blanch the bones first and the broth stays clear.
Sushi rice | Japan | short-grain rice, rice vinegar, sugar and salt | Wash the rice until the water is clear, steam it and fold in the seasoned vinegar while fanning. | an hour | Cut through the rice with a spatula rather than stirring it, so that the grains stay whole.
Miso soup | Japan | dashi broth, miso paste, tofu and seaweed | Heat the broth with tofu and seaweed and stir in the miso off the heat. | a quarter of an hour | Don't boil it after the miso is in, or the aroma is gone.
Kimchi | Korea | Chinese cabbage, chilli flakes, garlic, ginger and radish | Salt the cabbage, rinse it, rub it with the spice paste and let it ferment in a jar. | several days | Press the leaves down so that they stay under the brine.
Guacamole | Mexico | ripe avocados, lime, onion, chilli and coriander | Mash the avocados roughly and fold in the rest just before serving. | ten minutes | Lime juice and a film pressed onto the surface keep it green.
Tortilla dough | Mexico | maize flour treated with lime, and water | Knead a soft dough, press it flat and bake it in a dry hot pan until it puffs up. | half an hour | Wrap the baked ones in a cloth so that they stay soft.
Feijoada | Brazil | black beans and several cuts of pork | Let soaked beans and meat simmer slowly and serve them with rice, orange slices and greens. | four hours | It tastes better the next day.
Ceviche | Peru | raw fish, lime juice, onions and chilli | Cut very fresh fish into cubes and let the lime juice firm it up for a few minutes. | twenty minutes | The acid changes the protein but doesn't kill everything, so use fish fit to be eaten raw.
Pancake batter | kitchens all over the world | flour, milk, eggs and a pinch of salt | Whisk a thin batter, let it rest and bake it in a hot buttered pan, turning once. | half an hour | Let the batter rest for twenty minutes, and the flour takes up the milk.
Omelette | France | eggs, butter and salt | Stir the eggs in foaming butter until they are just set, then fold and roll them out of the pan. | five minutes | Take it from the heat a little early, because it goes on cooking on the plate.
Sourdough bread | bakeries of many countries | flour, water, salt and a starter of yeasts and bacteria | Mix, fold the dough a few times over several hours, shape it, chill it overnight and bake it very hot. | a whole day | Bake it in a lidded pot, since steam keeps the crust soft while the loaf rises.
Apple pie | England and later the United States | flour, cold butter, apples, sugar and cinnamon | Line a dish with pastry, heap in sliced apples, cover them and bake until golden. | an hour and a half | Keep the butter cold; lumps of it make the pastry flaky.
Tiramisu | Veneto in Italy | ladyfingers, espresso, mascarpone, eggs and cocoa | Layer biscuits dipped in coffee with whipped mascarpone cream and dust it with cocoa. | half an hour, plus a night of rest | Dip the biscuits for only a second, otherwise they turn to mush.
Pesto | Genoa in Italy | basil, pine nuts, garlic, Parmesan, Pecorino and olive oil | Crush garlic, nuts and leaves in a mortar and stir in cheese and oil. | a quarter of an hour | Heat from a blender darkens the basil, so use short bursts or a mortar.
Moussaka | Greece and Turkey | aubergines, minced lamb, tomatoes and, in Greece, a white sauce | Layer fried aubergine and meat sauce, cover them with white sauce and bake. | two hours | Let it rest before cutting, and the slices will hold.
""",
)

KITCHEN = """
# Kneading bread dough
? Why do I have to knead bread dough? | What does kneading do to dough? | Can I make bread without kneading it? | How do I know that dough has been kneaded enough?
= Kneading stretches and links proteins of the flour into gluten, an elastic net that holds the gas of the yeast. | Working the dough lines up its proteins into gluten; without that net the bubbles would escape and the loaf stay flat.
- Wheat has two proteins, glutenin and gliadin, which form gluten once they get wet.
- Time can replace work: in a wet dough left overnight gluten forms by itself. | No-knead recipes rely on hours of rest instead of effort.
+ Pull a piece thin: if it lets light through before it tears, the dough is ready. | Bakers stretch a bit of dough like a window, and when it doesn't tear it has had enough.
+ By machine eight minutes are plenty; by hand it takes about twelve.

# Boiling eggs
? How do I boil an egg so that the yolk stays soft? | How long do eggs need to boil? | Why do boiled eggs get a green ring? | How can I peel boiled eggs without tearing them?
= Lower the egg into boiling water and take it out after six to seven minutes for a soft yolk, ten for a firm one. | Six and a half minutes in bubbling water leave the yolk runny; ten set it all the way.
- The white sets at a lower temperature than the yolk in practice, since it gets hot first.
- The green ring is iron sulfide and comes from overcooking. | Too much heat lets sulfur from the white meet iron from the yolk, and that is the green rim.
+ Eggs that are a week old peel better than very fresh ones.
+ Ice water stops the cooking at once. | Shock them in cold water or they go on setting.

# Searing meat
? Does searing meat seal in the juices? | Why should I brown meat before stewing? | What makes browned meat taste so good? | How do I get a good crust on a steak?
= Searing doesn't seal anything; it makes flavour, because sugars and amino acids react on the hot dry surface. | The crust is about taste, not about juice: above 140 degrees the Maillard reaction makes hundreds of aromas.
- The reaction is named after the French chemist Louis-Camille Maillard.
- Weighing shows that seared meat loses as much water as meat that wasn't seared. | Put it on a scale and you will see that browned meat loses just as much juice.
+ Pat the meat dry and don't crowd the pan, or it will steam instead of browning. | A wet surface can't get hotter than boiling water, so dry it first.
+ Let a steak rest for a few minutes before cutting it.

# Onions and tears
? Why do onions make you cry? | How can I cut onions without tears? | What is it in onions that stings the eyes? | Does a sharp knife help against onion tears?
= Cutting breaks cells and lets an enzyme make a gas that turns to a weak acid on the eye. | A damaged onion sets free an irritating sulfur gas, and tears wash it out of the eye again.
- The plant makes the substance to keep animals from eating it.
- Cooking destroys the enzyme, which is why fried onions are mild. | Heat knocks the enzyme out, and nothing stings any more.
+ A sharp knife crushes fewer cells, and a cold onion gives off less gas. | Chill the onion for a while and use a sharp blade.
+ Swimming goggles look silly but work.

# Salting pasta water
? Why should I salt pasta water? | How much salt goes into pasta water? | Does salt make water boil faster? | Should I put oil in the water for pasta?
= Salt gets into the pasta only while it takes up water, so seasoning the water is the way to season the inside. | Noodles drink as they cook; what is in the water ends up in them, and later salt stays on the outside.
- Ten grams of salt a litre is the Italian rule of thumb.
- The change of the boiling point is tiny, less than a fifth of a degree. | Salt doesn't speed anything up, for the boiling point moves by a fraction of a degree.
+ Oil just floats on top and keeps the sauce from sticking later. | Skip the oil, because sauce slides off oily pasta.
+ Keep a cup of the cloudy water: its starch binds the sauce.

# Storing bread
? How do I store bread so that it stays fresh? | Why does bread go stale? | Should bread be kept in the fridge? | Can stale bread be rescued?
= Bread turns stale because its starch slowly crystallises, and that happens fastest in the fridge. | It isn't drying that makes bread hard, but starch which goes back to its crystals, above all at fridge temperature.
- A wooden box or a paper bag lets the crust breathe.
- Freezing stops the change nearly altogether. | In the freezer the starch stays as it is, so slices can be kept for months.
+ Heat to more than sixty degrees makes stale bread soft again for a while. | Sprinkle it with water and put it in a hot oven for five minutes.
+ Old rolls make good crumbs and dumplings.

# Yeast
? How does yeast make dough rise? | Why does my dough not rise? | What is the difference between dry and fresh yeast? | Is hot water bad for yeast?
= Yeast is a fungus that eats sugar and gives off carbon dioxide, and the gas puffs up the dough. | Tiny fungi feed on sugars of the flour and breathe out gas, which the dough holds in bubbles.
- Above about 50 degrees yeast dies, and in the fridge it nearly stops.
- Slow rising in the cold gives more aroma. | A night in the fridge lets acids and flavours build up.
+ A third of the weight is enough when you take dry yeast instead of fresh. | Seven grams of dry yeast stand for about twenty-one of fresh.
+ If nothing bubbles in lukewarm sugar water after ten minutes, the yeast is dead.

# Cast iron pans
? How do I season a cast iron pan? | Can I wash cast iron with soap? | Why does food stick to my iron pan? | What oil is best for seasoning?
= Rub the pan with a very thin film of oil and heat it beyond the smoke point, so that the oil hardens to a slick coat. | Seasoning is oil baked on until it turns into a hard polymer; several thin coats are better than a thick one.
- A little dish soap is fine, since modern soaps contain no lye.
- Iron rusts when it is left wet. | Dry it on the stove right away, because damp iron rusts overnight.
+ Preheat the pan well before eggs or fish go in.
+ Tomatoes and vinegar eat into a fresh coat, so cook them in steel. | Keep long acidic stews away from it.

# Cooking rice
? How much water do I need for rice? | Why is my rice sticky? | Should I rinse rice before cooking? | How do I cook fluffy rice?
= Rinse the rice, use about one and a half parts of water to one of rice, keep the lid on and let it stand off the heat for ten minutes. | Wash off loose starch, cook the grains covered in one and a half times their volume of water and leave them to steam at the end.
- Rinsing removes starch from the surface that would glue grains together.
- Brown rice needs more water and twice the time. | The bran of brown rice slows the water down, so plan twice as long.
+ Resist lifting the lid, because the steam is part of the recipe.
+ Cool leftovers quickly, since spores of Bacillus cereus survive boiling. | Put leftover rice in the fridge within an hour or so.
"""


def entities() -> list[Entity]:
    return [*DISHES.entities(), *topics("cooking", KITCHEN)]
