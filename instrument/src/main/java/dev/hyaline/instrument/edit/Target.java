package dev.hyaline.instrument.edit;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The values that an intervention changes. Each axis is everything unless chosen; a choice that the model or a sequence
 * does not have is an error when the intervention is used.
 */
public final class Target {
    private final Site site;
    private final IndexSelection layers;
    private final IndexSelection heads;
    private final TargetPart part;
    private final IndexSelection positions;
    private final IndexSelection sequences;

    private Target(
            Site site,
            IndexSelection layers,
            IndexSelection heads,
            TargetPart part,
            IndexSelection positions,
            IndexSelection sequences) {
        this.site = site;
        this.layers = layers;
        this.heads = heads;
        this.part = part;
        this.positions = positions;
        this.sequences = sequences;
    }

    /** Everything at a site. */
    public static Target of(Site site) {
        IndexSelection all = IndexSelection.all();
        return new Target(site, all, all, TargetPart.whole(), all, all);
    }

    /** Everything at a hook point. */
    public static Target of(HookPoint point) {
        Target target = of(point.site());
        return point.site().perLayer() ? target.layers(point.layer()) : target;
    }

    /** Everything at a site of a layer. */
    public static Target of(Site site, int layer) {
        return of(HookPoint.of(site, layer));
    }

    /**
     * Everything at what a name means: {@code blocks.3.attn.hook_z}, or in every layer {@code blocks.*.attn.hook_z},
     * {@code attn.hook_z}, {@code z}.
     *
     * @throws dev.hyaline.engine.error.UnknownHookPointException if it means nothing
     */
    public static Target named(String name) {
        return HookPoints.hasLayer(name) ? of(HookPoints.point(name)) : of(HookPoints.site(name));
    }

    /**
     * Everything at the sites that patterns select, as {@link HookPoints#select(Gpt2Config, List, IndexSelection)}
     * takes them: a target for each site, in the order in which a pass reaches them.
     *
     * @throws dev.hyaline.engine.error.UnknownHookPointException if a pattern names nothing
     * @throws dev.hyaline.engine.error.BadInputException if a pattern is left with nothing in the chosen layers, or a
     *     layer does not exist
     */
    public static List<Target> select(Gpt2Config config, String patterns, IndexSelection layers) {
        Map<Site, List<Integer>> layersOf = new LinkedHashMap<>();
        for (HookPoint point : HookPoints.select(config, List.of(patterns), layers)) {
            layersOf.computeIfAbsent(point.site(), site -> new ArrayList<>()).add(point.layer());
        }
        List<Target> targets = new ArrayList<>();
        layersOf.forEach((site, chosen) -> {
            Target target = of(site);
            targets.add(
                    site.perLayer() && chosen.size() < config.nLayers()
                            ? target.layers(
                                    chosen.stream().mapToInt(Integer::intValue).toArray())
                            : target);
        });
        return List.copyOf(targets);
    }

    /** The site. */
    public Site site() {
        return site;
    }

    /** The layers, of sites inside the blocks. */
    public IndexSelection layers() {
        return layers;
    }

    /** The heads, of sites that have heads. */
    public IndexSelection heads() {
        return heads;
    }

    /** The part of each vector. */
    public TargetPart part() {
        return part;
    }

    /**
     * The positions in each sequence by itself, so that -1 is the last token of every prompt; of attention maps, the
     * queries.
     */
    public IndexSelection positions() {
        return positions;
    }

    /** The sequences, by their index among the prompts of the run. */
    public IndexSelection sequences() {
        return sequences;
    }

    public Target layers(IndexSelection layers) {
        return new Target(site, layers, heads, part, positions, sequences);
    }

    public Target layers(int... layers) {
        return layers(IndexSelection.of(layers));
    }

    public Target heads(IndexSelection heads) {
        return new Target(site, layers, heads, part, positions, sequences);
    }

    public Target heads(int... heads) {
        return heads(IndexSelection.of(heads));
    }

    public Target positions(IndexSelection positions) {
        return new Target(site, layers, heads, part, positions, sequences);
    }

    public Target positions(int... positions) {
        return positions(IndexSelection.of(positions));
    }

    public Target sequences(IndexSelection sequences) {
        return new Target(site, layers, heads, part, positions, sequences);
    }

    public Target sequences(int... sequences) {
        return sequences(IndexSelection.of(sequences));
    }

    /** Only these neurons, dimensions, keys or logits. */
    public Target components(IndexSelection components) {
        return new Target(site, layers, heads, new TargetPart.Components(components), positions, sequences);
    }

    /** Only these neurons, dimensions, keys or logits. */
    public Target components(int... components) {
        return components(IndexSelection.of(components));
    }

    /** Only what lies in the span of directions. */
    public Target subspace(List<Direction> directions) {
        return new Target(site, layers, heads, new TargetPart.Subspace(directions), positions, sequences);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Target target
                && site == target.site
                && layers.equals(target.layers)
                && heads.equals(target.heads)
                && part.equals(target.part)
                && positions.equals(target.positions)
                && sequences.equals(target.sequences);
    }

    @Override
    public int hashCode() {
        return Objects.hash(site, layers, heads, part, positions, sequences);
    }

    /** Such as {@code blocks.0-3.attn.hook_z, heads 2, positions -1}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(site.perLayer() ? "blocks." + (layers.isAll() ? "*" : layers) + "." : "")
                .append(site.localName());
        append(text, "heads", heads);
        if (part instanceof TargetPart.Components components) {
            append(text, "components", components.indices());
        } else if (part instanceof TargetPart.Subspace subspace) {
            text.append(", a subspace of ").append(subspace.directions().size()).append(" dimensions");
        }
        append(text, "positions", positions);
        append(text, "sequences", sequences);
        return text.toString();
    }

    private static void append(StringBuilder text, String axis, IndexSelection selection) {
        if (!selection.isAll()) {
            text.append(", ").append(axis).append(' ').append(selection);
        }
    }
}
