package dev.hyaline.analysis.causal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.metric.Reading;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Sweeps give the bits of full passes, which here know nothing of interventions, runs or resumptions. */
final class SweepPropertyTest {
    /** Changes the values of points in a full pass. */
    private interface Change {
        void at(HookPoint point, float[] values);
    }

    private record Full(Gpt2 model, Metric metric) {
        Map<HookPoint, float[]> everything(int[] tokens) {
            Map<HookPoint, float[]> values = new HashMap<>();
            forward(tokens, point -> true, (point, live) -> {}, values);
            return values;
        }

        float[] forward(
                int[] tokens,
                java.util.function.Predicate<HookPoint> wanted,
                Change change,
                Map<HookPoint, float[]> kept) {
            return model.forward(ForwardRequest.of(tokens)
                            .probe(new CallingProbe(point -> wanted.test(point), (point, live) -> {
                                change.at(point, live.values());
                                kept.put(point, Arrays.copyOf(live.values(), live.size(0)));
                            })))
                    .logits();
        }

        double measure(PromptPair pair, int[] tokens, float[] logits) {
            Reading reading = new Reading(pair, tokens, chosen(pair, logits), chosen(pair, model.logits(pair.clean())));
            return metric.measure(reading);
        }

        private Logits chosen(PromptPair pair, float[] all) {
            int[] positions = metric.positions(pair);
            int columns = model.config().dVocab();
            float[] rows = new float[positions.length * columns];
            for (int i = 0; i < positions.length; i++) {
                System.arraycopy(all, positions[i] * columns, rows, i * columns, columns);
            }
            return new Logits(positions, rows);
        }

        double changed(PromptPair pair, int[] tokens, Set<HookPoint> points, Change change) {
            return measure(pair, tokens, forward(tokens, points::contains, change, new HashMap<>()));
        }
    }

    private record Setting(Gpt2 model, Experiment experiment, Full full, PatchingDirection direction, Random random) {
        static Setting of(long seed) {
            Random random = new Random(seed);
            Gpt2Config config = SmallExperiments.config(1 + random.nextInt(3), 1 + random.nextInt(3), 4);
            Gpt2 model = Gpt2.of(Gpt2Weights.random(config, seed), 1);
            List<Metric> metrics = Metric.all("S");
            Metric metric = metrics.get(random.nextInt(metrics.size()));
            Experiment experiment = Experiment.start(
                    model,
                    SmallExperiments.pairs(config, 1 + random.nextInt(2), 2 + random.nextInt(4), random),
                    metric);
            PatchingDirection direction =
                    random.nextBoolean() ? PatchingDirection.DENOISING : PatchingDirection.NOISING;
            return new Setting(model, experiment, new Full(model, metric), direction, random);
        }
    }

    @Property(tries = 30)
    void patchingEqualsFullPasses(@ForAll long seed, @ForAll ActivationPatch patch) {
        Setting s = Setting.of(seed);
        try (Gpt2 model = s.model) {
            Gpt2Config config = model.config();
            Sweep sweep = patch.sweep(s.experiment.config(), s.direction, s.experiment.pairs());
            SweepResult result = s.experiment.sweep(sweep);
            List<Integer> cells = new ArrayList<>(SmallExperiments.steps(sweep.cells()));
            Collections.shuffle(cells, s.random);
            for (int pair = 0; pair < s.experiment.pairs().size(); pair++) {
                PromptPair prompts = s.experiment.pairs().get(pair);
                int[] tokens = s.direction.base().tokens(prompts);
                Map<HookPoint, float[]> source =
                        s.full.everything(s.direction.source().tokens(prompts));
                for (int cell : cells.subList(0, Math.min(12, cells.size()))) {
                    Map<String, Integer> at = new HashMap<>();
                    for (int a = 0; a < sweep.axes().size(); a++) {
                        at.put(sweep.axes().get(a).name(), result.table().index(cell)[a]);
                    }
                    HookPoint point = HookPoint.of(site(patch, at), at.get("layer"));
                    double expected = s.full.changed(
                            prompts,
                            tokens,
                            Set.of(point),
                            (p, live) -> copyPatched(config, point, tokens.length, at, source.get(point), live));
                    assertThat(result.table().values(cell)[pair]).isEqualTo(expected);
                }
            }
        }
    }

    private static Site site(ActivationPatch patch, Map<String, Integer> at) {
        Site[] every = patch == ActivationPatch.BLOCK_EVERY
                ? new Site[] {Site.RESID_PRE, Site.ATTN_OUT, Site.MLP_OUT}
                : new Site[] {Site.Z, Site.Q, Site.K, Site.V, Site.PATTERN};
        if (at.containsKey("activation")) {
            return every[at.get("activation")];
        }
        String name = patch.toString().replaceAll("attn_head_|_by_pos|_all_pos|_dest_src_pos", "");
        return name.equals("out") ? Site.Z : Site.valueOf(name.toUpperCase(java.util.Locale.ROOT));
    }

    /** TransformerLens's patch setters, read off the shapes. */
    private static void copyPatched(
            Gpt2Config config, HookPoint point, int length, Map<String, Integer> at, float[] from, float[] to) {
        boolean map = point.site() == Site.PATTERN;
        int heads = map || point.site().shape() == Site.Shape.HEADS ? config.nHeads() : 1;
        int width = map ? length : config.dModel() / heads;
        Integer query = at.containsKey("destination") ? at.get("destination") : at.get("position");
        for (int position = 0; position < length; position++) {
            for (int head = 0; head < heads; head++) {
                boolean chosen =
                        (query == null || query == position) && (!at.containsKey("head") || at.get("head") == head);
                for (int i = 0; chosen && i < width; i++) {
                    if (!at.containsKey("source") || at.get("source") == i) {
                        int index =
                                map ? (head * length + position) * length + i : (position * heads + head) * width + i;
                        to[index] = from[index];
                    }
                }
            }
        }
    }

    @Property(tries = 25)
    void edgesEqualFullPasses(@ForAll long seed) {
        Setting s = Setting.of(seed);
        try (Gpt2 model = s.model) {
            List<Edge> edges = new ArrayList<>(new ComputationGraph(model.config()).edges());
            Collections.shuffle(edges, s.random);
            List<Edge> some = edges.subList(0, Math.min(12, edges.size()));
            SweepResult result = s.experiment.sweep(PathPatching.edges(s.experiment.config(), s.direction, some));
            for (int pair = 0; pair < s.experiment.pairs().size(); pair++) {
                for (int cell = 0; cell < some.size(); cell++) {
                    Edge edge = some.get(cell);
                    double expected = byHand(s, pair, Set.of(edge.sender()), Set.of(edge.receiver()), Set.of());
                    assertThat(result.table().values(cell)[pair])
                            .as(edge.toString())
                            .isEqualTo(expected);
                }
            }
        }
    }

    @Property(tries = 25)
    void pathsThroughMediatorsEqualFullPasses(@ForAll long seed) {
        Setting s = Setting.of(seed);
        try (Gpt2 model = s.model) {
            ComputationGraph graph = new ComputationGraph(model.config());
            List<Node> nodes = new ArrayList<>(graph.senders());
            Collections.shuffle(nodes, s.random);
            Set<Node> senders = Set.of(nodes.get(0));
            Set<Node> through = Set.copyOf(nodes.subList(1, 1 + s.random.nextInt(nodes.size())));
            List<Receiver> later = graph.receivers().stream()
                    .filter(r -> nodes.get(0).isBefore(r.node()))
                    .toList();
            Set<Receiver> receivers =
                    new HashSet<>(List.of(later.get(s.random.nextInt(later.size())), Receiver.of(Node.logits())));
            PathPatching.Paths paths = new PathPatching.Paths(senders, receivers, through);
            SweepResult result =
                    s.experiment.sweep(PathPatching.paths(s.experiment.config(), s.direction, Map.of("p", paths)));
            for (int pair = 0; pair < s.experiment.pairs().size(); pair++) {
                assertThat(result.table().values(0)[pair]).isEqualTo(byHand(s, pair, senders, receivers, through));
            }
        }
    }

    /**
     * Two full passes: one with the senders patched and all but the mediators held, one with the receivers reading what
     * they read there.
     */
    private static double byHand(Setting s, int pair, Set<Node> senders, Set<Receiver> receivers, Set<Node> through) {
        Gpt2Config config = s.model.config();
        PromptPair prompts = s.experiment.pairs().get(pair);
        int[] tokens = s.direction.base().tokens(prompts);
        Map<HookPoint, float[]> base = s.full.everything(tokens);
        Map<HookPoint, float[]> source = s.full.everything(s.direction.source().tokens(prompts));
        Map<HookPoint, float[]> hybrid = new HashMap<>();
        s.full.forward(
                tokens,
                point -> true,
                (point, live) -> {
                    if (point.equals(HookPoint.of(Site.RESID_PRE, 0)) && senders.contains(Node.input())) {
                        copyHead(config, tokens.length, 1, 0, source.get(point), live);
                    }
                    for (int head = 0; point.site() == Site.Z && head < config.nHeads(); head++) {
                        Node node = new Node.Head(point.layer(), head);
                        if (senders.contains(node) || !through.contains(node)) {
                            float[] from = (senders.contains(node) ? source : base).get(point);
                            copyHead(config, tokens.length, config.nHeads(), head, from, live);
                        }
                    }
                    if (point.site() == Site.MLP_OUT) {
                        Node node = new Node.Mlp(point.layer());
                        if (senders.contains(node) || !through.contains(node)) {
                            float[] from = (senders.contains(node) ? source : base).get(point);
                            copyHead(config, tokens.length, 1, 0, from, live);
                        }
                    }
                },
                hybrid);
        int heads = config.nHeads();
        return s.full.measure(
                prompts,
                tokens,
                s.full.forward(
                        tokens,
                        point -> true,
                        (point, live) -> {
                            for (Receiver receiver : receivers) {
                                boolean reads = receiver.input(config).site() == point.site()
                                        && (receiver.node() instanceof Node.LogitsNode
                                                ? point.layer() == config.nLayers() - 1
                                                : point.layer()
                                                        == receiver.node()
                                                                .point()
                                                                .layer());
                                if (reads && receiver.node() instanceof Node.Head head) {
                                    for (int p = 0; p < tokens.length; p++) {
                                        System.arraycopy(
                                                hybrid.get(receiver.residual(config)),
                                                p * config.dModel(),
                                                live,
                                                (p * heads + head.head()) * config.dModel(),
                                                config.dModel());
                                    }
                                } else if (reads) {
                                    copyHead(config, tokens.length, 1, 0, hybrid.get(receiver.residual(config)), live);
                                }
                            }
                        },
                        new HashMap<>()));
    }

    private static void copyHead(Gpt2Config config, int length, int heads, int head, float[] from, float[] to) {
        int width = config.dModel() / heads;
        for (int p = 0; p < length; p++) {
            int at = (p * heads + head) * width;
            System.arraycopy(from, at, to, at, width);
        }
    }
}
