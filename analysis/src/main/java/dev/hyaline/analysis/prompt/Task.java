package dev.hyaline.analysis.prompt;

import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The field's standard tasks, drawn at random. All pairs of a draw have one length, and the same seed gives the same
 * pairs for the same vocabulary.
 *
 * <p>Every pair knows its unit, what it shares with other pairs of the draw: the name at IO, the name or country that
 * the prompt is about, the event of a span of years, or its own random tokens. Its stratum is the template's order, the
 * answer's gender or the century.
 */
public enum Task {
    /**
     * Indirect objects (Wang et al. 2022), the indirect object named first: {@code When {IO} and {S1} went to the
     * store, {S2} gave a drink to}, answer IO, distractor S. The corrupted prompt has the other name at S2.
     */
    IOI_ABBA {
        @Override
        PromptPair pair(PromptEncoder encoder, WordLists words, SplittableRandom random) {
            return ioi("When {IO} and {S1} went to the {place}, {S2} {giving} a {object} to", encoder, words, random)
                    .ofStratum("ABBA");
        }
    },
    /** As {@link #IOI_ABBA}, the subject named first. */
    IOI_BABA {
        @Override
        PromptPair pair(PromptEncoder encoder, WordLists words, SplittableRandom random) {
            return ioi("When {S1} and {IO} went to the {place}, {S2} {giving} a {object} to", encoder, words, random)
                    .ofStratum("BABA");
        }
    },
    /**
     * As {@link #IOI_ABBA}, the clean prompts those of the same seed, with the corruption called ABC: three names that
     * have nothing to do with the pair, all different, stand at IO, S1 and S2, so that the prompt says nothing of who
     * gets what (Wang et al. 2022's p<sub>ABC</sub>).
     */
    IOI_ABBA_ABC {
        @Override
        PromptPair pair(PromptEncoder encoder, WordLists words, SplittableRandom random) {
            return IOI_ABBA.pair(encoder, words, random);
        }

        @Override
        PromptPair corrupt(PromptPair pair, PromptEncoder encoder, WordLists words, SplittableRandom random) {
            return abc(pair, encoder, words, random);
        }
    },
    /** As {@link #IOI_ABBA_ABC}, the subject named first. */
    IOI_BABA_ABC {
        @Override
        PromptPair pair(PromptEncoder encoder, WordLists words, SplittableRandom random) {
            return IOI_BABA.pair(encoder, words, random);
        }

        @Override
        PromptPair corrupt(PromptPair pair, PromptEncoder encoder, WordLists words, SplittableRandom random) {
            return abc(pair, encoder, words, random);
        }
    },
    /**
     * Random tokens, repeated up to the one before the last: the answer is what followed it the first time, at the role
     * {@code B1}. The corrupted prompt has another token there, the distractor. {@code A1} and {@code end} are the
     * places of the token before.
     */
    INDUCTION {
        @Override
        PromptPair pair(PromptEncoder encoder, WordLists words, SplittableRandom random) {
            return induction(encoder, RandomTokens.ofVocabulary(encoder), random);
        }
    },
    /**
     * As {@link #INDUCTION}, of random words: fable, whose language has no random tokens, knows nothing else to repeat.
     */
    INDUCTION_WORDS {
        @Override
        PromptPair pair(PromptEncoder encoder, WordLists words, SplittableRandom random) {
            return induction(encoder, RandomTokens.ofWords(encoder, words), random);
        }
    },
    /**
     * Later years (Hanna et al. 2023): {@code The war lasted from the year 1732 to the year 17}, answers the two digits
     * above 32, distractors those up to 32, as far as they are tokens. The corrupted prompt begins in the century's
     * first year that is two tokens, 01 or so.
     */
    GREATER_THAN {
        @Override
        PromptPair pair(PromptEncoder encoder, WordLists words, SplittableRandom random) {
            Map<Integer, List<Integer>> years = new TreeMap<>();
            for (int century = 11; century < 20; century++) {
                List<Integer> ofCentury = years(encoder, century);
                if (ofCentury.size() > 2) {
                    years.put(century, ofCentury);
                }
            }
            Map.Entry<Integer, List<Integer>> century = pick(List.copyOf(years.entrySet()), random);
            return greaterThan(encoder, pick(words.events(), random), century.getKey(), century.getValue(), random);
        }
    },
    /**
     * Gendered pronouns: {@code Anna went to the park because}, answer {@code she}; the corrupted prompt has a name of
     * the other gender.
     */
    PRONOUNS {
        @Override
        PromptPair pair(PromptEncoder encoder, WordLists words, SplittableRandom random) {
            return pronoun("{name} went to the {place} because", encoder, words, random);
        }
    },
    /**
     * Facts: {@code The capital of France is}, answer {@code Paris}; the corrupted prompt asks for another country's.
     */
    CAPITALS {
        @Override
        PromptPair pair(PromptEncoder encoder, WordLists words, SplittableRandom random) {
            return capital("The capital of {country} is", encoder, words, random)
                    .ofStratum("capital");
        }
    };

    /** More pairs than this are not drawn: their runs would fit no memory. */
    public static final int MAX_PAIRS = 100_000;

    /** Tokens of a sequence that is repeated. */
    private static final int REPEATED = 20;

    /** The same task with the names in the other order; empty if it has none. */
    public Optional<Task> otherOrder() {
        return switch (this) {
            case IOI_ABBA -> Optional.of(IOI_BABA);
            case IOI_BABA -> Optional.of(IOI_ABBA);
            case IOI_ABBA_ABC -> Optional.of(IOI_BABA_ABC);
            case IOI_BABA_ABC -> Optional.of(IOI_ABBA_ABC);
            default -> Optional.empty();
        };
    }

    /**
     * Draws the task's pairs in other words, with the same names and the rest where the seed is the same.
     *
     * @return pairs by template, all of one length; none if the task is not about a text
     * @throws BadInputException if {@code count} is below 1 or above {@link #MAX_PAIRS}, or the vocabulary lacks words
     *     that the task needs
     */
    public Map<String, List<PromptPair>> drawInOtherWords(PromptEncoder encoder, int count, long seed) {
        requireCount(count);
        WordLists words = WordLists.read(encoder);
        Map<String, List<PromptPair>> drawn = new LinkedHashMap<>();
        for (String template : otherTemplates()) {
            SplittableRandom random = new SplittableRandom(seed);
            SplittableRandom corruptions = new SplittableRandom(~seed);
            List<PromptPair> pairs = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                PromptPair pair = inWords(template, encoder, words, random).ofStratum(template);
                pairs.add(corrupt(pair, encoder, words, corruptions));
            }
            drawn.put(template, List.copyOf(pairs));
        }
        return drawn;
    }

    private List<String> otherTemplates() {
        return switch (this) {
            case IOI_ABBA, IOI_ABBA_ABC -> otherTemplates("{IO} and {S1}");
            case IOI_BABA, IOI_BABA_ABC -> otherTemplates("{S1} and {IO}");
            case PRONOUNS -> List.of("{name} left the {place} when", "{name} was at the {place} because");
            case CAPITALS -> List.of("The main city of {country} is", "People in {country} travel to");
            default -> List.of();
        };
    }

    private static List<String> otherTemplates(String two) {
        return List.of(
                "While " + two + " were at the {place}, {S2} {giving} the {object} to",
                "Yesterday " + two + " went to the {place} and {S2} {giving} a {object} to",
                "Then, " + two + " had a long talk at the {place}. Later {S2} {giving} the {object} to");
    }

    private static PromptPair inWords(
            String template, PromptEncoder encoder, WordLists words, SplittableRandom random) {
        return template.contains("{IO}")
                ? ioi(template, encoder, words, random)
                : template.contains("{name}")
                        ? pronoun(template, encoder, words, random)
                        : capital(template, encoder, words, random);
    }

    abstract PromptPair pair(PromptEncoder encoder, WordLists words, SplittableRandom random);

    /**
     * The pair with another corrupted prompt, if the task has one of its own; drawn apart, to leave the clean ones
     * alone.
     */
    PromptPair corrupt(PromptPair pair, PromptEncoder encoder, WordLists words, SplittableRandom random) {
        return pair;
    }

    /**
     * Draws pairs.
     *
     * @throws BadInputException if {@code count} is below 1 or above {@link #MAX_PAIRS}, or the vocabulary lacks words
     *     that the task needs
     */
    public List<PromptPair> draw(PromptEncoder encoder, int count, long seed) {
        requireCount(count);
        WordLists words = WordLists.read(encoder);
        SplittableRandom random = new SplittableRandom(seed);
        SplittableRandom corruptions = new SplittableRandom(~seed);
        List<PromptPair> pairs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            pairs.add(corrupt(pair(encoder, words, random), encoder, words, corruptions));
        }
        return List.copyOf(pairs);
    }

    private static void requireCount(int count) {
        if (count < 1 || count > MAX_PAIRS) {
            throw new BadInputException("the number of pairs must be from 1 to " + MAX_PAIRS + ", found " + count);
        }
    }

    /** The name on a command line, such as {@code ioi-abba}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static PromptPair ioi(String template, PromptEncoder encoder, WordLists words, SplittableRandom random) {
        List<String> two = distinct(names(words), 2, random);
        String io = two.get(0);
        String subject = two.get(1);
        return PairTemplate.parse(template)
                .pair(
                        encoder,
                        Map.of(
                                "IO",
                                io,
                                "S1",
                                subject,
                                "S2",
                                subject,
                                "place",
                                pick(words.places(), random),
                                "giving",
                                pick(words.giving(), random),
                                "object",
                                pick(words.objects(), random)),
                        Map.of("S2", io),
                        new int[] {encoder.token(" " + io)},
                        new int[] {encoder.token(" " + subject)})
                .ofUnit(io);
    }

    private static PromptPair pronoun(
            String template, PromptEncoder encoder, WordLists words, SplittableRandom random) {
        String she = pick(firstWords(words.femaleNames(), encoder), random);
        String he = pick(firstWords(words.maleNames(), encoder), random);
        boolean female = random.nextBoolean();
        return PairTemplate.parse(template)
                .pair(
                        encoder,
                        Map.of("name", female ? she : he, "place", pick(words.places(), random)),
                        Map.of("name", female ? he : she),
                        new int[] {encoder.token(female ? " she" : " he")},
                        new int[] {encoder.token(female ? " he" : " she")})
                .ofUnit(female ? she : he)
                .ofStratum(female ? "she" : "he");
    }

    private static PromptPair capital(
            String template, PromptEncoder encoder, WordLists words, SplittableRandom random) {
        List<String> countries = List.copyOf(words.capitals().keySet());
        List<String> two = distinct(countries, 2, random);
        return PairTemplate.parse(template)
                .pair(
                        encoder,
                        Map.of("country", two.get(0)),
                        Map.of("country", two.get(1)),
                        new int[] {encoder.token(" " + words.capitals().get(two.get(0)))},
                        new int[] {encoder.token(" " + words.capitals().get(two.get(1)))})
                .ofUnit(two.get(0));
    }

    private static List<String> names(WordLists words) {
        return Stream.concat(words.femaleNames().stream(), words.maleNames().stream())
                .toList();
    }

    private static PromptPair abc(PromptPair pair, PromptEncoder encoder, WordLists words, SplittableRandom random) {
        List<Integer> unrelated = names(words).stream()
                .map(name -> encoder.token(" " + name))
                .filter(name -> name != pair.answers()[0] && name != pair.distractors()[0])
                .toList();
        List<Integer> three = distinct(unrelated, 3, random);
        int[] corrupted = pair.clean().clone();
        corrupted[pair.position("IO")] = three.get(0);
        corrupted[pair.position("S1")] = three.get(1);
        corrupted[pair.position("S2")] = three.get(2);
        return new PromptPair(
                pair.name(),
                pair.clean(),
                corrupted,
                pair.answers(),
                pair.distractors(),
                pair.roles(),
                pair.unit(),
                pair.stratum());
    }

    private static PromptPair greaterThan(
            PromptEncoder encoder, String event, int century, List<Integer> years, SplittableRandom random) {
        int first = years.getFirst();
        int year = pick(years.subList(1, years.size() - 1), random);
        return PairTemplate.parse("The {event} lasted from the year {century}{YY} to the year " + century)
                .pair(
                        encoder,
                        Map.of("event", event, "century", String.valueOf(century), "YY", twoDigits(year)),
                        Map.of("YY", twoDigits(first)),
                        tokens(encoder, years, y -> y > year),
                        tokens(encoder, years, y -> y <= year))
                .ofUnit(event)
                .ofStratum("century " + century);
    }

    private static int[] tokens(PromptEncoder encoder, List<Integer> years, IntPredicate chosen) {
        return years.stream()
                .mapToInt(Integer::intValue)
                .filter(chosen)
                .map(year -> encoder.token(twoDigits(year)))
                .toArray();
    }

    private static String twoDigits(int year) {
        return String.format(Locale.ROOT, "%02d", year);
    }

    /** The years of a century that are two tokens, that of the century and that of the two digits. */
    private static List<Integer> years(PromptEncoder encoder, int century) {
        if (!encoder.isToken(" " + century)) {
            return List.of();
        }
        int first = encoder.token(" " + century);
        return IntStream.range(1, 100)
                .filter(year -> encoder.isToken(twoDigits(year)))
                .filter(year -> Arrays.equals(
                        encoder.encoder().encode(" " + century + twoDigits(year)),
                        new int[] {first, encoder.token(twoDigits(year))}))
                .boxed()
                .toList();
    }

    private static PromptPair induction(PromptEncoder encoder, RandomTokens tokens, SplittableRandom random) {
        int begin = encoder.before().size();
        int[] drawn = tokens.distinct(REPEATED + 1, random);
        return new PromptPair(
                        "repeated tokens " + drawn[0] + " " + drawn[1] + " ...",
                        repeated(encoder, drawn, drawn[REPEATED - 1]),
                        repeated(encoder, drawn, drawn[REPEATED]),
                        new int[] {drawn[REPEATED - 1]},
                        new int[] {drawn[REPEATED]},
                        Map.of("A1", begin + REPEATED - 2, "B1", begin + REPEATED - 1))
                .ofUnit(Arrays.toString(drawn))
                .ofStratum("repeated");
    }

    private static int[] repeated(PromptEncoder encoder, int[] drawn, int last) {
        IntStream once = Arrays.stream(drawn, 0, REPEATED - 1);
        IntStream again = Arrays.stream(drawn, 0, REPEATED - 1);
        return Stream.of(encoder.beginning(), once, IntStream.of(last), again)
                .flatMapToInt(part -> part)
                .toArray();
    }

    /** Words that are one token also at the beginning of a text, without a blank before them. */
    private static List<String> firstWords(List<String> words, PromptEncoder encoder) {
        return words.stream().filter(encoder::isToken).toList();
    }

    private static <T> T pick(List<T> words, SplittableRandom random) {
        return distinct(words, 1, random).getFirst();
    }

    private static <T> List<T> distinct(List<T> words, int count, SplittableRandom random) {
        if (words.size() < count) {
            throw new BadInputException("this vocabulary has too few of the task's words as single tokens");
        }
        Set<T> drawn = new LinkedHashSet<>();
        while (drawn.size() < count) {
            drawn.add(words.get(random.nextInt(words.size())));
        }
        return List.copyOf(drawn);
    }
}
