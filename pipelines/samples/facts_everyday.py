"""Everyday life: household, money, health and travel."""

from __future__ import annotations

from pipelines.samples.facts import Entity, topics

EVERYDAY = """
# Sharpening knives
? How do I sharpen a kitchen knife? | What is the difference between honing and sharpening? | At which angle should I grind a knife?
= Draw the edge over a wet stone at a steady angle of fifteen to twenty degrees until a fine burr appears, then do the other side. | On a whetstone keep about fifteen to twenty degrees, work until you feel a burr along the edge, and turn the blade over.
- A honing steel only straightens an edge that has bent over; it takes hardly any metal away.
- Coarse grit shapes the edge and fine grit polishes it. | Begin around grit 1000 and finish around 4000 or more.
+ Cutting on glass or stone ruins a blade within minutes.
+ A sharp knife is the safer one, since it doesn't slip off a tomato.

# Descaling a kettle
? How do I remove limescale from a kettle? | Why does a white crust form in my kettle? | Is vinegar or citric acid better against scale?
= Fill the kettle with water and a spoon of citric acid, let it stand for half an hour and rinse; the acid dissolves the chalk. | Limescale is calcium carbonate, and any mild acid such as citric acid or vinegar turns it into something that water carries away.
- Heating drives carbon dioxide out of hard water, and the dissolved lime falls out as a crust.
- Citric acid should be used cold, because hot it can form a salt that sticks even worse. | Don't boil citric acid in hard water, or calcium citrate settles on the element.
+ A filter jug slows the crust down but does not stop it.
+ Scale acts as insulation and makes the heating element use more power.

# Mould in the bathroom
? Why does mould grow in my bathroom? | How do I get rid of mould on a wall? | How can I keep the bathroom dry?
= Mould needs damp surfaces: warm wet air meets a cold wall, water condenses and the spores find all they want. | Where steam settles on cold corners for hours each day, fungi start to grow.
- Spores are in the air everywhere, so moisture is the only thing one can control.
- Above seventy per cent humidity at the wall growth begins, even without drops. | A wall needn't be wet; lasting humidity of seventy per cent is enough.
+ Open the window wide for ten minutes after a shower instead of leaving it tilted all day. | A short strong draught after showering dries the room better than a window left ajar.
+ Alcohol kills mould on tiles; mouldy plaster has to come off.

# Compound interest
? How does compound interest work? | How long does it take for money to double? | Why does saving early matter so much?
= Interest is paid on earlier interest too, so a sum grows by a factor every year rather than by a fixed amount. | Each year's gain joins the capital and earns in its turn, which makes the curve steeper and steeper.
- Divide 72 by the rate in per cent and you have roughly the years it takes to double.
- Fees compound as well: one per cent a year eats about a quarter of the sum over thirty years. | A yearly fee of one per cent costs roughly a quarter of the final amount after three decades.
+ Ten years' head start is worth more than twice the monthly sum later on.
+ On credit cards the same arithmetic works against the debtor.

# Inflation
? What causes inflation? | Why do prices go up every year? | How is inflation measured? | What does a central bank do against inflation?
= Prices rise when more money chases the same goods, or when making the goods becomes dearer. | Inflation comes from strong demand, from rising costs of energy and labour, or from too much money in circulation.
- Statisticians price a basket of goods month by month, weighted by what households buy.
- Central banks aim for about two per cent, as falling prices make people put off buying. | Around two per cent is the usual goal, because a little inflation is less harmful than deflation.
+ Higher interest rates make loans dearer, and so they slow spending down.
+ Savings under the mattress lose their worth year by year.

# Learning vocabulary
? How can I remember new words of a language? | What is spaced repetition? | Why do I forget vocabulary so quickly?
= Repeat a word just before you would forget it: after a day, after three days, after a week, after a month. | Spaced repetition asks for a word at growing intervals, and each successful recall makes the memory last longer.
- Hermann Ebbinghaus measured the curve of forgetting on himself in the 1880s.
- Recalling a word works better than reading it again. | Testing yourself strengthens memory far more than looking at the list.
+ Words in a sentence or a picture stick better than words in pairs.
+ Flash cards in boxes are the paper version of the method.

# Jet lag
? What helps against jet lag? | Why is flying east harder than flying west? | How long does jet lag last?
= The inner clock runs on home time and shifts by only about an hour a day; daylight at the right time moves it faster. | Jet lag ends when the body's clock has caught up, roughly a day for each time zone, and bright light is what sets it.
- The inner day of most people is a bit longer than 24 hours, so staying up late is easier than going to bed early.
- Melatonin in the evening of the new place can shift the clock a little. | A small dose of melatonin before the new bedtime brings sleep forward.
+ Seek the morning sun after a flight to the east and the evening sun after one to the west.
+ Set your watch when you board, and eat by it.

# Burns and first aid
? What should I do about a burn? | Should I put ice on a burn? | When does a burn need a doctor?
= Hold the burn under running water of about twenty degrees for ten to twenty minutes and cover it loosely. | Cool it at once with tap water, not with ice, for at least ten minutes, and put on a clean dressing that doesn't stick.
- Ice narrows the vessels and adds frostbite to the burn.
- Blisters protect the wound from germs and should stay closed. | Leave blisters alone, since the skin above them keeps infection out.
+ Butter, flour and toothpaste hold the heat in and bring dirt along.
+ Burns on the face, on hands or larger than a palm belong into a doctor's care.

# Heat pumps
? How does a heat pump work? | Can a heat pump warm a house in winter? | Why does a heat pump need less electricity than a heater?
= A heat pump takes heat from outdoor air or soil with a fluid that evaporates cold, compresses it until it is hot and gives the warmth to the house. | It runs a fridge backwards: a refrigerant evaporates outside, is compressed and releases its heat indoors.
- For each unit of electricity it delivers three to four units of heat.
- Even air below freezing holds heat, though the yield drops with the cold. | In hard frost it still works, only less efficiently.
+ Large radiators and floor heating suit it, because they do with lukewarm water.
+ Reversed, the same machine cools the house in summer.

# Composting
? How do I start a compost heap? | Why does my compost smell? | What must not go on the compost?
= Mix green matter such as kitchen scraps with brown matter such as leaves and twigs, keep it moist and let air in. | Layers of wet green and dry brown material, some earth and enough air are all that microbes need.
- A foul smell means that air is missing; the right cure is to turn the heap and add twigs.
- In a good heap the core reaches sixty degrees, which kills most weed seeds. | Bacteria heat the middle to about sixty degrees.
+ Meat and cooked food attract rats, so leave them out.
+ After six to twelve months it is dark, crumbly and smells of forest.

# Bicycle chains
? How often should I oil my bicycle chain? | How do I clean a bike chain? | When does a chain have to be replaced?
= Wipe the chain with a rag, put one drop of oil on each link, wait, and wipe off what is on the outside. | A drop for every roller and a rag afterwards are enough: oil belongs inside the links, for outside it only collects dirt.
- A chain gets longer as its pins wear, and then it grinds down the sprockets.
- A gauge shows when it has stretched by three quarters of a per cent. | Replace it at 0.75 per cent of stretch and the costly sprockets last for several chains.
+ After a ride in the rain it needs oil at once, or it rusts overnight.
+ A squeak at every turn of the pedals often comes from a dry chain.

# LED lamps
? Why do LED lamps use so little power? | What does the colour temperature of a lamp mean? | Why does my LED lamp flicker when dimmed?
= In an LED electrons drop into lower states and give their energy off as light, with little heat on the side. | A semiconductor turns current into light directly, whereas a filament must glow and wastes nine tenths as heat.
- Colour temperature is given in kelvin: 2700 looks warm and yellowish, 6500 cold and bluish.
- Blue diodes were the hard part and brought their inventors the Nobel Prize in 2014. | Without blue no white light, and the blue diode took until the 1990s.
+ A dimmer made for filament bulbs often chops the current in a way that makes LEDs flicker.
+ Lumens, not watts, tell how bright a lamp is.

# Tyre pressure
? How often should I check the pressure of my tyres? | What happens if tyre pressure is too low? | Should tyres be warm or cold when I measure the pressure?
= Check the pressure once a month and before long trips, while the tyres are cold; the right value stands in the door frame or in the manual. | Measure on cold tyres every few weeks and use the figure from the sticker in the door.
- A soft tyre flexes more, gets hot, wears at its shoulders and uses more fuel.
- Pressure falls by about a tenth of a bar for every ten degrees of cooling. | Cold weather alone takes off a tenth of a bar per ten degrees.
+ With a full load most cars need a few tenths of a bar more.
+ A tyre that keeps losing air has a nail or a leaking valve.

# Watering house plants
? How often should I water house plants? | Why do the leaves of my house plant turn yellow? | Can I save a plant that got too much water?
= Push a finger into the soil and water only when the upper two centimetres are dry; most house plants die of too much water. | There is no fixed rhythm: feel the soil, and if it is still damp, wait, as wet roots rot.
- Roots need air, and waterlogged soil has none.
- Yellow leaves mean too wet more often than too dry. | The lower leaves yellow first when roots begin to suffocate.
+ Put a drowned plant into fresh dry soil and cut off brown roots.
+ In winter growth slows down, and half the water is enough.

# SSD and hard disk
? What is the difference between an SSD and a hard disk? | Why is an SSD so much faster? | How long does an SSD last?
= A hard disk moves a head over spinning platters, while an SSD reads cells of flash memory and has no moving parts. | In a hard disk a head must travel to the data first; flash memory answers in a tenth of a millisecond from anywhere.
- Flash cells wear out after some thousand rewrites, so the controller spreads the writing evenly.
- For archives magnetic disks are still cheaper per terabyte. | Price per terabyte is where spinning disks keep winning.
+ An old laptop with a new solid-state drive feels like a new laptop.
+ Neither replaces a backup on another device.

# Airing rooms
? How should I air rooms in winter? | Why do windows fog up on the inside? | How much humidity is good for a room?
= Open windows on both sides fully for five minutes several times a day: the air is changed, and the walls stay warm. | A short cross draught swaps moist air for dry air before the furniture cools down.
- Cold air holds little water, so warmed winter air is dry.
- Between forty and sixty per cent humidity people feel best and mould does not. | Aim for about fifty per cent on the hygrometer.
+ Four people give off ten litres of water a day by breathing, cooking and washing.
+ Fog on the inner pane says that the air in the room is too moist.
"""


def entities() -> list[Entity]:
    return topics("everyday life", EVERYDAY)
