package dev.hyaline.instrument.capture;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A choice of what to record of a run: hook points, and positions, heads, neurons and sequences of them. Immutable.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/JavadocExamplesTest.java" region="capture"}
 */
public final class Capture {
    private final List<HookPoint> points;
    private final IndexSelection positions;
    private final List<String> roles;
    private final IndexSelection heads;
    private final IndexSelection neurons;
    private final IndexSelection sequences;
    private final @Nullable Long budget;

    private Capture(
            List<HookPoint> points,
            IndexSelection positions,
            List<String> roles,
            IndexSelection heads,
            IndexSelection neurons,
            IndexSelection sequences,
            @Nullable Long budget) {
        this.points = List.copyOf(new TreeSet<>(points));
        this.positions = positions;
        this.roles = List.copyOf(roles);
        this.heads = heads;
        this.neurons = neurons;
        this.sequences = sequences;
        this.budget = budget;
        if (points.isEmpty()) {
            throw new BadInputException("a capture needs at least one hook point");
        }
    }

    /**
     * All of some points.
     *
     * @throws BadInputException if there are none
     */
    public static Capture of(List<HookPoint> points) {
        IndexSelection all = IndexSelection.all();
        return new Capture(points, all, List.of(), all, all, all, null);
    }

    /**
     * The points that the patterns select, as in {@link HookPoints#select(Gpt2Config, String...)}, at every position.
     */
    public static Capture of(Gpt2Config config, String... patterns) {
        return of(HookPoints.select(config, patterns));
    }

    /** All of some points. */
    public static Capture of(HookPoint... points) {
        return of(List.of(points));
    }

    /** The points, in the order in which a pass reaches them, each once. */
    public List<HookPoint> points() {
        return points;
    }

    /**
     * The positions chosen in each sequence by itself, so that -1 is the last token of every prompt; of attention maps
     * they choose the queries.
     */
    public IndexSelection positions() {
        return positions;
    }

    /**
     * Positions recorded too, by the names that {@link Prompts#role} gives them; with all positions chosen, these
     * instead.
     */
    public List<String> roles() {
        return roles;
    }

    /** The heads, at sites that have heads. */
    public IndexSelection heads() {
        return heads;
    }

    /** The neurons, at {@code mlp.pre} and {@code mlp.post}. */
    public IndexSelection neurons() {
        return neurons;
    }

    /** The sequences whose values are kept. A recording in memory runs the others too; a dump does not. */
    public IndexSelection sequences() {
        return sequences;
    }

    /** The most bytes that recorded values may take in memory. */
    public OptionalLong budget() {
        return budget == null ? OptionalLong.empty() : OptionalLong.of(budget);
    }

    /** The same of the points in these layers, and of none outside the blocks. */
    public Capture layers(int... layers) {
        return layers(IndexSelection.of(layers));
    }

    /** As {@link #layers(int...)}, written as {@link IndexSelection#parse(String)} reads it. */
    public Capture layers(String layers) {
        return layers(IndexSelection.parse(layers));
    }

    private Capture layers(IndexSelection layers) {
        int count = points.stream().mapToInt(HookPoint::layer).max().orElseThrow() + 1;
        List<Integer> chosen =
                Arrays.stream(layers.in(Math.max(1, count), "layer")).boxed().toList();
        List<HookPoint> kept =
                points.stream().filter(point -> chosen.contains(point.layer())).toList();
        return new Capture(kept, positions, roles, heads, neurons, sequences, budget);
    }

    /** The same at these positions only. */
    public Capture positions(IndexSelection positions) {
        return new Capture(points, positions, roles, heads, neurons, sequences, budget);
    }

    /** As {@link #positions(IndexSelection)}, written as {@link IndexSelection#parse(String)} reads it. */
    public Capture positions(String positions) {
        return positions(IndexSelection.parse(positions));
    }

    /** The same where a prompt's token plays one of these roles, besides the positions chosen otherwise. */
    public Capture roles(String... roles) {
        return new Capture(points, positions, List.of(roles), heads, neurons, sequences, budget);
    }

    /** The same, of these heads only. */
    public Capture heads(IndexSelection heads) {
        return new Capture(points, positions, roles, heads, neurons, sequences, budget);
    }

    /** The same, of these heads only; negative ones count from the end. */
    public Capture heads(int... heads) {
        return heads(IndexSelection.of(heads));
    }

    /** The same, of these neurons only. */
    public Capture neurons(IndexSelection neurons) {
        return new Capture(points, positions, roles, heads, neurons, sequences, budget);
    }

    /** The same, of these neurons only; negative ones count from the end. */
    public Capture neurons(int... neurons) {
        return neurons(IndexSelection.of(neurons));
    }

    /** The same, keeping values of these sequences only. */
    public Capture sequences(IndexSelection sequences) {
        return new Capture(points, positions, roles, heads, neurons, sequences, budget);
    }

    /** The same, keeping values of these sequences only; negative ones count from the end. */
    public Capture sequences(int... sequences) {
        return sequences(IndexSelection.of(sequences));
    }

    /** The same, refused before it runs if the recorded values would take more bytes in memory. */
    public Capture budget(long bytes) {
        return new Capture(points, positions, roles, heads, neurons, sequences, bytes);
    }

    /**
     * The positions recorded in a sequence of {@code length} tokens, ascending.
     *
     * @throws BadInputException if the capture chooses positions by role, or sequences: see {@link #positions(Prompts,
     *     int)}
     */
    public int[] positions(int length) {
        if (!roles.isEmpty() || !sequences.isAll()) {
            throw new BadInputException(
                    "positions by role and chosen sequences are known of given prompts only, not of a length");
        }
        return positions.in(length, "position");
    }

    /** The positions recorded in one of some prompts, ascending; none if its sequence is not chosen. */
    public int[] positions(Prompts prompts, int sequence) {
        BadInputException.requireIndex("sequence", sequence, prompts.size());
        if (!sequences.contains(sequence, prompts.size())) {
            return new int[0];
        }
        IntStream byRole = roles.stream().mapToInt(role -> prompts.position(role, sequence));
        boolean rolesAlone = !roles.isEmpty() && positions.isAll();
        IntStream others =
                rolesAlone ? IntStream.of() : IntStream.of(positions.in(prompts.length(sequence), "position"));
        return IntStream.concat(byRole, others).sorted().distinct().toArray();
    }

    /** The heads recorded, ascending. */
    public int[] heads(Gpt2Config config) {
        return heads.in(config.nHeads(), "head");
    }

    /** The neurons recorded, ascending. */
    public int[] neurons(Gpt2Config config) {
        return neurons.in(config.dMlp(), "neuron");
    }

    /**
     * The shape of what is recorded of a site for each token: sizes after the position axis, or {@code [heads]} for
     * attention maps.
     */
    public List<Integer> perToken(Gpt2Config config, Site site) {
        List<Integer> sizes = new ArrayList<>(site.shape().perToken(config));
        switch (site.shape()) {
            case HEADS, HEAD_RESIDUAL, ATTENTION -> sizes.set(0, heads(config).length);
            case NEURONS -> sizes.set(0, neurons(config).length);
            case RESIDUAL, SCALE, LOGITS -> {}
        }
        return sizes;
    }

    /**
     * Shape of a point's recorded values for one sequence: {@code [positions, ...]}, or {@code [nHeads, positions,
     * length]} for attention maps.
     *
     * @param length tokens in the sequence
     */
    public List<Integer> shape(Gpt2Config config, Site site, int length) {
        return shape(config, site, positions(length).length, length);
    }

    /** As {@link #shape(Gpt2Config, Site, int)}, of so many positions. */
    public List<Integer> shape(Gpt2Config config, Site site, int positions, int length) {
        List<Integer> shape = new ArrayList<>(perToken(config, site));
        if (site.isMap()) {
            shape.add(positions);
            shape.add(length);
        } else {
            shape.addFirst(positions);
        }
        return List.copyOf(shape);
    }

    /** Bytes that the recorded values of some prompts take in memory, known before anything runs. */
    public long bytes(Gpt2Config config, Prompts prompts) {
        long values = 0;
        for (int s = 0; s < prompts.size(); s++) {
            int positions = positions(prompts, s).length;
            for (HookPoint point : points) {
                values += shape(config, point.site(), positions, prompts.length(s)).stream()
                        .mapToLong(Integer::longValue)
                        .reduce(1, Math::multiplyExact);
            }
        }
        return values * Float.BYTES;
    }

    /**
     * Checks that prompts and model have what is to be recorded, before anything runs.
     *
     * @throws BadInputException naming what they lack
     */
    public void require(Gpt2Config config, Prompts prompts) {
        requireParts(config, points, heads, neurons);
        sequences.in(prompts.size(), "sequence");
        for (int s = 0; s < prompts.size(); s++) {
            try {
                positions(prompts, s);
            } catch (BadInputException e) {
                throw new BadInputException(prompts.name(s) + ": " + e.getMessage());
            }
        }
        if (points.stream().anyMatch(point -> point.site().isMap())) {
            requireMaps(config, prompts);
        }
    }

    /** A pass computes the maps of all heads of a prompt, whichever of them are chosen, in one array. */
    private static void requireMaps(Gpt2Config config, Prompts prompts) {
        for (int s = 0; s < prompts.size(); s++) {
            long tokens = prompts.length(s);
            if (config.nHeads() * tokens * tokens > Integer.MAX_VALUE - 8) {
                throw new BadInputException(prompts.name(s) + ": the attention maps of " + config.nHeads()
                        + " heads and " + tokens + " tokens exceed 2^31 values; run a shorter prompt, or record no"
                        + " attention maps");
            }
        }
    }

    /**
     * Checks a choice of heads and neurons: a choice among parts that no point has is a slip.
     *
     * @throws BadInputException if the model or the points do not have them
     */
    public static void requireParts(
            Gpt2Config config, List<HookPoint> points, IndexSelection heads, IndexSelection neurons) {
        heads.in(config.nHeads(), "head");
        neurons.in(config.dMlp(), "neuron");
        if (!heads.isAll()
                && points.stream().noneMatch(point -> point.site().shape().byHead())) {
            throw new BadInputException("heads " + heads + " are chosen, but no hook point asked for has heads; z, q,"
                    + " k, v, result, attn_scores and pattern do");
        }
        if (!neurons.isAll() && points.stream().noneMatch(point -> point.site().shape() == Site.Shape.NEURONS)) {
            throw new BadInputException("neurons " + neurons + " are chosen, but no hook point asked for has neurons;"
                    + " mlp.pre and mlp.post do");
        }
    }

    /**
     * Checks that the capture chooses points and positions only, for readers that know no more.
     *
     * @param reader named in the error: {@code a partial rerun}
     * @throws BadInputException if it chooses heads, neurons, sequences or roles
     */
    public void requireWholePoints(String reader) {
        if (!heads.isAll() || !neurons.isAll() || !sequences.isAll() || !roles.isEmpty()) {
            throw new BadInputException(
                    reader + " takes whole hook points: a choice of heads, neurons, sequences or roles is for"
                            + " recordings in memory");
        }
    }

    /** The names of the points. */
    @Override
    public String toString() {
        return Printable.plural(points.size(), "hook point") + ": "
                + Printable.listed(points.stream().map(HookPoint::name).toList());
    }
}
