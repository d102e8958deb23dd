package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.attention.AttentionStatistics;
import dev.hyaline.analysis.attention.HeadScores;
import dev.hyaline.analysis.sanity.Finding;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Repeats a written table of attention patterns under variations of the prompts that it tells: halves of them; other
 * draws of the same tokens, and shorter and longer ones, of sequences given twice; without the token that begins them;
 * other prompts; weights in bfloat16; other checkpoints. Effects are shares of attention already, so that each prompt's
 * gap is 1; units are prompts. Immutable.
 */
public final class AttentionVariations {
    private final WrittenFinding written;
    private final Gpt2 model;
    private final long seed;
    private final Map<String, Prompts> others;
    private final Map<String, Gpt2> models;

    private AttentionVariations(
            WrittenFinding written, Gpt2 model, long seed, Map<String, Prompts> others, Map<String, Gpt2> models) {
        this.written = written;
        this.model = model;
        this.seed = seed;
        this.others = others;
        this.models = models;
    }

    /**
     * Variations of a table.
     *
     * @param seed of other draws
     * @throws BadInputException if the table does not tell its prompts, is of other kinds of heads than the
     *     laboratory's, or is not what the model has
     */
    public static AttentionVariations of(WrittenFinding written, Gpt2 model, long seed) {
        if (written.tokens().isEmpty()) {
            throw new BadInputException(written.file() + " does not tell the tokens of its prompts, as older files did"
                    + " not; have it written again");
        }
        AttentionVariations made = new AttentionVariations(written, model, seed, Map.of(), Map.of());
        written.requireSameAs(written.title(), 1, made.finding().finding());
        return made;
    }

    /** The same with other prompts. */
    public AttentionVariations prompts(String name, Prompts prompts) {
        Map<String, Prompts> more = new LinkedHashMap<>(others);
        more.put(name, prompts);
        return new AttentionVariations(written, model, seed, more, models);
    }

    /**
     * The same with another checkpoint.
     *
     * @param other with as many layers and heads, and the same tokens; must stay open
     */
    public AttentionVariations checkpoint(String name, Gpt2 other) {
        Map<String, Gpt2> more = new LinkedHashMap<>(models);
        more.put(name, other);
        return new AttentionVariations(written, model, seed, others, more);
    }

    /** The number of prompts that the table is of. */
    public int size() {
        return written.tokens().size();
    }

    /** The finding itself. */
    public Variation finding() {
        return same("finding", written.title(), model, written.tokens());
    }

    /** Repeats the table under each variation. */
    public List<Variation> run() {
        List<Variation> done = new ArrayList<>();
        List<int[]> tokens = written.tokens();
        if (size() >= 2 * Variations.MIN_PAIRS) {
            for (int half = 0; half < 2; half++) {
                int rest = half;
                List<int[]> some = IntStream.range(0, size())
                        .filter(i -> i % 2 == rest)
                        .mapToObj(tokens::get)
                        .toList();
                done.add(measure(
                        "prompts",
                        half == 0 ? "half of the prompts" : "the other prompts",
                        model,
                        some,
                        i -> "prompt " + (2 * i + rest)));
            }
        }
        others.forEach((name, prompts) -> done.add(other(
                "kind",
                name,
                IntStream.range(0, prompts.size()).mapToObj(prompts::tokens).toList())));
        draws(done);
        beginning(done);
        try (Gpt2 rounded = Gpt2.of(RoundedWeights.of(model.weights()), model.threads())) {
            done.add(same("precision", "bfloat16 weights", rounded, tokens));
        }
        models.forEach((name, other) -> done.add(same("checkpoint", name, other, tokens)));
        return List.copyOf(done);
    }

    /** Other sequences of the same tokens, if all are of one length and given twice. */
    private void draws(List<Variation> done) {
        List<int[]> tokens = written.tokens();
        int begin = beginAlike() ? 1 : 0;
        int once = (tokens.getFirst().length - begin) / 2;
        if (once < 2 || !tokens.stream().allMatch(sequence -> isTwice(sequence, begin, once))) {
            return;
        }
        int[] pool = tokens.stream()
                .flatMapToInt(sequence -> Arrays.stream(sequence, begin, begin + once))
                .distinct()
                .toArray();
        int shorter = once / 2;
        int longer = Math.min(2 * once, Math.min(pool.length, (model.config().nCtx() - begin) / 2));
        done.add(other("seed", "other draws of the same tokens", drawn("seed", pool, begin, once)));
        if (shorter >= 2) {
            done.add(other("length", shorter + " tokens, twice", drawn("shorter", pool, begin, shorter)));
        }
        if (longer > once) {
            done.add(other("length", longer + " tokens, twice", drawn("longer", pool, begin, longer)));
        }
    }

    private static boolean isTwice(int[] sequence, int begin, int once) {
        return sequence.length == begin + 2 * once
                && Arrays.equals(sequence, begin, begin + once, sequence, begin + once, sequence.length);
    }

    private List<int[]> drawn(String name, int[] pool, int begin, int once) {
        CounterRandom random = CounterRandom.of(seed).named("robustness/attention/" + name);
        int[] first = Arrays.copyOf(written.tokens().getFirst(), begin);
        return IntStream.range(0, size())
                .mapToObj(draw -> {
                    int[] order = random.with(draw).permutation(pool.length);
                    int[] sequence =
                            Arrays.stream(order, 0, once).map(i -> pool[i]).toArray();
                    return Stream.of(first, sequence, sequence)
                            .flatMapToInt(Arrays::stream)
                            .toArray();
                })
                .toList();
    }

    private void beginning(List<Variation> done) {
        if (beginAlike() && written.tokens().stream().allMatch(sequence -> sequence.length > 2)) {
            UnaryOperator<int[]> withoutFirst = sequence -> Arrays.copyOfRange(sequence, 1, sequence.length);
            done.add(same(
                    "beginning",
                    "without the first token",
                    model,
                    written.tokens().stream().map(withoutFirst).toList()));
        }
    }

    private boolean beginAlike() {
        int begin = written.tokens().getFirst()[0];
        return size() > 1
                && written.tokens().stream().allMatch(sequence -> sequence[0] == begin)
                && written.tokens().stream()
                        .noneMatch(sequence ->
                                Arrays.stream(sequence, 1, sequence.length).anyMatch(token -> token == begin));
    }

    /** The table of prompts of its own, in order. */
    private Variation same(String family, String name, Gpt2 on, List<int[]> tokens) {
        return measure(family, name, on, tokens, i -> "prompt " + i);
    }

    /** The table of other prompts. */
    private Variation other(String family, String name, List<int[]> tokens) {
        return measure(family, name, model, tokens, i -> name + ", prompt " + i);
    }

    /**
     * The effects on the prompts that have a key of every kind. A distance that a prompt does not have has an effect of
     * 0. Without such prompts all effects and gaps are 0: the variation is out of scope.
     */
    private Variation measure(String family, String name, Gpt2 on, List<int[]> tokens, IntFunction<String> unit) {
        Prompts prompts = Prompts.of(on.config(), tokens.toArray(int[][]::new));
        ResultTable table = written.title().equals(HeadScores.TITLE)
                ? HeadScores.measure(on, prompts)
                : AttentionStatistics.measure(on, prompts, written.title());
        List<String> components = new ArrayList<>();
        List<double[]> effects = new ArrayList<>();
        for (int c = 0; c < cells(); c++) {
            String component = WrittenMethod.component(written.axes(), c);
            if (written.effects().containsKey(component)) {
                components.add(component);
                effects.add(effects(table, Axis.index(written.axes(), c)));
            }
        }
        int[] whole = IntStream.range(0, prompts.size())
                .filter(prompt -> effects.stream().noneMatch(values -> Double.isNaN(values[prompt])))
                .toArray();
        boolean none = whole.length == 0;
        int[] kept = none ? IntStream.range(0, prompts.size()).toArray() : whole;
        double[] gaps = new double[kept.length];
        Arrays.fill(gaps, none ? 0 : 1);
        return new Variation(
                family,
                name,
                new Finding(
                        components,
                        effects.stream()
                                .map(values -> none
                                        ? new double[kept.length]
                                        : Arrays.stream(kept)
                                                .mapToDouble(i -> values[i])
                                                .toArray())
                                .toArray(double[][]::new),
                        null),
                gaps,
                Double.NaN,
                Arrays.stream(kept).mapToObj(unit).toList(),
                null);
    }

    private int cells() {
        return written.axes().stream().mapToInt(Axis::size).reduce(1, Math::multiplyExact);
    }

    /** The effects by prompt of a cell of the written table. */
    private double[] effects(ResultTable table, int[] index) {
        int[] there = index.clone();
        boolean distance = false;
        for (int axis = 0; axis < there.length; axis++) {
            Axis asked = written.axes().get(axis);
            distance |= asked.name().equals("distance");
            there[axis] = table.axes().get(axis).labels().indexOf(asked.labels().get(index[axis]));
            if (there[axis] < 0 && !distance) {
                throw new BadInputException(written.file() + ": expected the " + asked.name() + "s of "
                        + table.axes().get(axis).labels() + ", found "
                        + asked.labels().get(index[axis]));
            }
        }
        double[] values = new double[table.samples().size()];
        if (there[there.length - 1] < 0) {
            return values;
        }
        int cell = table.cell(there);
        for (int prompt = 0; prompt < values.length; prompt++) {
            double value = table.values(cell)[prompt] - table.reference(cell, prompt);
            values[prompt] = distance && Double.isNaN(value) ? 0 : value;
        }
        return values;
    }

    @Override
    public String toString() {
        return "variations of " + written;
    }
}
