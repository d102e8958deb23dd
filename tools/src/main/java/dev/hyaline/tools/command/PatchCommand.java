package dev.hyaline.tools.command;

import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.MetricOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PairOptions;
import dev.hyaline.tools.option.SelectionOptions;
import dev.hyaline.tools.report.SweepReport;
import dev.hyaline.tools.report.TableOutput;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline patch}: which activations and paths carry the task. */
@Command(
        name = "patch",
        header = "Patches activations or paths of one run with those of another.",
        description = {
            "",
            "Runs pairs of clean and corrupted prompts, replaces one activation after the other in one run by what"
                    + " the other had there, and shows what that does to a metric. Only what a patch can change is"
                    + " computed again; the numbers are those of full reruns."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nActivations (--what), with TransformerLens's names:%n",
        footer = {
            "  by layer and position: resid_pre, resid_mid, attn_out, mlp_out; block_every for three of them",
            "  by head: attn_head_{out,q,k,v,pattern}_all_pos; attn_head_all_pos_every for all five",
            "  by head and position: attn_head_{out,q,k,v,pattern}_by_pos; attn_head_by_pos_every for all;",
            "  attn_head_pattern_dest_src_pos for every entry of every attention pattern",
            "",
            "Paths: nodes are input, a5.h3 (head 3 of layer 5), m0 (MLP of layer 0) and logits; a head reads",
            "by a5.h3<q>, a5.h3<k>, a5.h3<v>, or all three as a5.h3.",
            "",
            "Examples:",
            "  hyaline patch                                    where fable keeps the indirect object",
            "  hyaline patch --what attn_head_out_by_pos --positions S2,end --out patching",
            "  hyaline patch --what attn_head_all_pos_every --noising --normalise --task induction-words",
            "  hyaline patch --edges all --out edges            every edge of the graph, exactly",
            "  hyaline patch --edges \"a1.h7->a2.h2<k>,m0->logits\"",
            "  hyaline patch --heads-to logits --through m2,m3"
        })
public final class PatchCommand implements Runnable {
    private static final ActivationPatch DEFAULT = ActivationPatch.RESID_PRE;

    private final Console console;

    /** TransformerLens's functions. */
    static final class Patches extends Choice<ActivationPatch> {
        Patches() {
            super(List.of(ActivationPatch.values()));
        }
    }

    @Option(
            names = {"-w", "--what"},
            paramLabel = "NAME",
            completionCandidates = Patches.class,
            converter = Patches.class,
            description = "Which activations to patch, one by one. Default: resid_pre")
    private ActivationPatch what;

    @Option(
            names = "--edges",
            paramLabel = "EDGES",
            description = "Patch these edges instead, or all: what a node reads of another, and nothing else.")
    private String edges;

    @Option(
            names = "--heads-to",
            paramLabel = "NODES",
            description = "Patch the paths from every head to these nodes instead.")
    private String headsTo;

    @Option(names = "--through", paramLabel = "NODES", description = "... also by way of these. Default: directly")
    private String through;

    @Option(
            names = "--noising",
            description = "Patch the clean run from the corrupted one, instead of the other way round.")
    private boolean noising;

    @Option(
            names = "--positions",
            paramLabel = "LIST",
            description = "Only these positions: 0,3-5,-1, or roles such as S2,end, for prompts of any lengths.")
    private String positions;

    @Option(names = "--normalise", description = "Show the clean run as 1 and the corrupted one as 0.")
    private boolean normalise;

    @Mixin
    private PairOptions pairOptions;

    @Mixin
    private MetricOptions metricOptions;

    @Mixin
    private TableOutput output;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Mixin
    private CommonOptions common;

    public PatchCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() {
        requireOneKind();
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            Gpt2Config config = checkpoint.config();
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            PromptPairs pairs = pairOptions.read(config, vocabulary);
            List<Edge> chosen = edges == null ? List.of() : edges(config);
            String name = edges != null ? "edges" : headsTo != null ? "heads-to" : patch().toString();
            try (Gpt2 model = engineOptions.open(checkpoint.weights(), console)) {
                Experiment experiment = Experiment.start(model, pairs, metricOptions.metric());
                Sweep sweep = sweep(experiment, vocabulary, chosen);
                new SweepReport(
                                console,
                                checkpoint.name(),
                                name,
                                output.folder(
                                        chosen.isEmpty() ? List.of(name) : List.of(name, SweepReport.matrix(name))),
                                normalise,
                                common.json,
                                chosen.isEmpty()
                                        ? Optional.empty()
                                        : Optional.of(table -> PathPatching.matrix(table, chosen)))
                        .run(experiment, sweep);
            }
        }
    }

    private void requireOneKind() {
        if ((what != null ? 1 : 0) + (edges != null ? 1 : 0) + (headsTo != null ? 1 : 0) > 1) {
            throw new BadInputException("--what, --edges and --heads-to exclude each other");
        }
        if (through != null && headsTo == null) {
            throw new BadInputException("--through needs --heads-to");
        }
        if (positions != null && (edges != null || headsTo != null || !patch().byPosition())) {
            throw new BadInputException("--positions needs activations that are patched by position");
        }
    }

    private ActivationPatch patch() {
        return what == null ? DEFAULT : what;
    }

    private Sweep sweep(Experiment experiment, ModelVocabulary vocabulary, List<Edge> chosen) {
        PatchingDirection direction = noising ? PatchingDirection.NOISING : PatchingDirection.DENOISING;
        if (!chosen.isEmpty()) {
            return PathPatching.edges(experiment.config(), direction, chosen);
        }
        if (headsTo != null) {
            Gpt2Config config = experiment.config();
            Set<Receiver> receivers = named("--heads-to", headsTo, name -> Receiver.parse(config, name));
            Set<Node> mediators =
                    through == null ? Set.of() : named("--through", through, name -> Node.parse(config, name));
            return PathPatching.heads(experiment.config(), direction, receivers, mediators);
        }
        return patch().byPosition()
                ? patch().sweep(experiment.config(), direction, positions(experiment.pairs(), vocabulary, positions))
                : patch().sweep(experiment.config(), direction, experiment.pairs());
    }

    private List<Edge> edges(Gpt2Config config) {
        return edges.equals("all")
                ? new ComputationGraph(config).edges()
                : List.copyOf(named("--edges", edges, name -> Edge.parse(config, name)));
    }

    /** What the names in an option's list mean, in their order. */
    static <T> Set<T> named(String option, String list, Function<String, T> meaning) {
        try {
            return Arrays.stream(list.split(",", -1))
                    .map(String::strip)
                    .map(meaning)
                    .collect(Collectors.toCollection(LinkedHashSet::new));
        } catch (BadInputException e) {
            throw new BadInputException(option + ": " + e.getMessage());
        }
    }

    /** Positions by index or by role; all of them if there is no choice. */
    static PositionAxis positions(PromptPairs pairs, ModelVocabulary vocabulary, String chosen) {
        if (chosen != null && chosen.matches(".*[A-Za-z].*") && !chosen.equals("all") && !chosen.equals("last")) {
            return PositionAxis.ofRoles(pairs, List.of(chosen.split(",")));
        }
        IndexSelection indices =
                chosen == null ? IndexSelection.all() : SelectionOptions.indices("--positions", chosen);
        return PositionAxis.of(pairs, indices, vocabulary::label);
    }
}
