package dev.hyaline.tools.command;

import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.CellEdit;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.NameList;
import dev.hyaline.tools.option.PageOption;
import dev.hyaline.tools.option.RolePositions;
import dev.hyaline.tools.option.SelectionOptions;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.StudyOptions;
import dev.hyaline.tools.option.TableFolder;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.report.CellEdits;
import dev.hyaline.tools.report.EdgeMatrix;
import dev.hyaline.tools.report.SweepReport;
import dev.hyaline.tools.terminal.Console;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline patch}: activation and path patching. */
@Command(
        name = "patch",
        header = "Patches activations or paths of one run with those of another.",
        description = {
            "",
            "Runs pairs of clean and corrupted prompts, replaces one activation after another in one run by the"
                    + " other run's, and shows the effect on a metric. Only what a patch can change is recomputed; the"
                    + " numbers are those of full reruns."
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
public final class PatchCommand implements Runnable, CheckedOptions {
    private static final ActivationPatch DEFAULT = ActivationPatch.RESID_PRE;

    private final Console console;

    /** The patching functions of TransformerLens. */
    static final class Patches extends Choice<ActivationPatch> {
        Patches() {
            super(List.of(ActivationPatch.values()));
        }
    }

    @ArgGroup
    private Patched patched = new Patched();

    /** The activations or paths to patch: one of these. */
    private static final class Patched {
        @Option(
                names = {"-w", "--what"},
                paramLabel = "NAME",
                completionCandidates = Patches.class,
                converter = Patches.class,
                description = "Activations to patch, one by one. Default: resid_pre")
        private @Nullable ActivationPatch what;

        @Option(
                names = "--edges",
                paramLabel = "EDGES",
                description = "Patch these edges instead, or all: only what one node reads of another.")
        private @Nullable String edges;

        @Option(
                names = "--heads-to",
                paramLabel = "NODES",
                description = "Patch the paths from every head to these nodes instead.")
        private @Nullable String headsTo;
    }

    @Option(
            names = "--through",
            paramLabel = "NODES",
            description = "For --heads-to: patch paths that go through these nodes too. Default: only direct paths")
    private @Nullable String through;

    @Option(
            names = "--noising",
            description = "Patch the clean run from the corrupted one, instead of the other way round.")
    private boolean noising;

    @Option(
            names = "--positions",
            paramLabel = "LIST",
            description = "Only these positions: 0,3-5,-1, or roles such as S2,end, for prompts of any lengths.")
    private @Nullable String positions;

    @Option(
            names = {"-l", "--layers"},
            paramLabel = "LAYERS",
            description = "Only these layers: 0,3-5,-1.")
    private @Nullable String layers;

    @Option(names = "--heads", paramLabel = "HEADS", description = "Only these heads, where heads are patched.")
    private @Nullable String heads;

    @Option(names = "--normalise", description = "Show the clean run as 1 and the corrupted one as 0.")
    private boolean normalise;

    @Mixin
    private TopOption top;

    @Mixin
    private PageOption page;

    @Mixin
    private StudyOptions options;

    public PatchCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (through != null && patched.headsTo == null) {
            throw new BadInputException("--through needs --heads-to");
        }
        if (positions != null && (patched.edges != null || patched.headsTo != null || !patch().byPosition())) {
            throw new BadInputException("--positions needs activations that are patched by position");
        }
        if (positions != null) {
            RolePositions.check(positions);
        }
        if (patched.edges != null && (layers != null || heads != null)) {
            throw new BadInputException("--layers and --heads are for activations and --heads-to; name the edges");
        }
        SelectionOptions.checkIndices("--layers", layers);
        SelectionOptions.checkIndices("--heads", heads);
        if (patched.edges != null && !patched.edges.equals("all")) {
            edges(patched.edges, NameList.ANY_MODEL);
        }
        if (patched.headsTo != null) {
            receivers(patched.headsTo, NameList.ANY_MODEL);
            mediators(NameList.ANY_MODEL);
        }
        options.tables().requireFree(tables());
    }

    @Override
    public void run() {
        try (Study study = options.open(console)) {
            List<Edge> chosen = patched.edges == null ? List.of() : edges(patched.edges, study.config());
            Sweep sweep = sweep(study, chosen);
            Optional<TableFolder> folder = options.tables().folder(study.checkpoint(), tables());
            try (Gpt2 model = study.start()) {
                Experiment experiment = Experiment.start(model, study.pairs(), options.metric());
                SweepReport report = new SweepReport(
                        console,
                        study.model(),
                        study.origin(),
                        tables()[0],
                        folder.orElse(null),
                        normalise,
                        options.json(),
                        top,
                        chosen.isEmpty() ? null : new EdgeMatrix(chosen));
                SweepResult result = report.run(experiment, sweep);
                page.write(console, study.checkpoint(), () -> page(study, report, sweep, result), options.json());
            }
        }
    }

    private Page page(Study study, SweepReport report, Sweep sweep, SweepResult result) {
        ViewHeading heading = page.heading(sweep.title(), study, options.pairs());
        if (patched.edges != null || patched.headsTo != null) {
            return Page.of(sweep.title() + ": " + study.origin(), report.view(heading, result, null));
        }
        String direction =
                "PatchingDirection." + (noising ? PatchingDirection.NOISING : PatchingDirection.DENOISING).name();
        ViewHeading withJava = heading.withJava("Experiment.start(model, pairs, metric).sweep(ActivationPatch."
                + patch().name() + ".sweep(config, " + direction + ", pairs)).table()");
        Optional<CellEdit> edit = new CellEdits(
                        study.pairs(),
                        study.vocabulary(),
                        options.analysis().typedModel(),
                        options.pairs().begins())
                .of(
                        "patch",
                        sweep.base(),
                        patch().sites().getFirst().shortName(),
                        sweep.axes(),
                        step -> RolePositions.of(study.pairs(), study.vocabulary(), positions)
                                .at(step, 0),
                        study.pairs()
                                .get(0)
                                .changedPositions()
                                .in(study.pairs().get(0).length(), "position"));
        return Page.of(sweep.title() + ": " + study.origin(), report.view(withJava, result, edit.orElse(null)));
    }

    /** The names of the tables, the sweep's first. */
    private String[] tables() {
        return patched.edges != null
                ? new String[] {"edges", EdgeMatrix.NAME}
                : new String[] {patched.headsTo != null ? "heads-to" : patch().toString()};
    }

    private ActivationPatch patch() {
        return patched.what == null ? DEFAULT : patched.what;
    }

    private Sweep sweep(Study study, List<Edge> chosen) {
        Sweep sweep = whole(study, chosen);
        if (layers != null) {
            sweep = sweep.only("layer", SelectionOptions.indices("--layers", layers));
        }
        return heads == null ? sweep : sweep.only("head", SelectionOptions.indices("--heads", heads));
    }

    private Sweep whole(Study study, List<Edge> chosen) {
        Gpt2Config config = study.config();
        PatchingDirection direction = noising ? PatchingDirection.NOISING : PatchingDirection.DENOISING;
        if (!chosen.isEmpty()) {
            return PathPatching.edges(config, direction, chosen);
        }
        if (patched.headsTo != null) {
            return PathPatching.heads(config, direction, receivers(patched.headsTo, config), mediators(config));
        }
        return patch().byPosition()
                ? patch().sweep(config, direction, RolePositions.of(study.pairs(), study.vocabulary(), positions))
                : patch().sweep(config, direction, study.pairs());
    }

    private static List<Edge> edges(String names, Gpt2Config config) {
        return names.equals("all")
                ? new ComputationGraph(config).edges()
                : List.copyOf(NameList.parse("--edges", names, name -> Edge.parse(config, name)));
    }

    private static Set<Receiver> receivers(String names, Gpt2Config config) {
        return NameList.parse("--heads-to", names, name -> Receiver.parse(config, name));
    }

    private Set<Node> mediators(Gpt2Config config) {
        return through == null ? Set.of() : NameList.parse("--through", through, name -> Node.parse(config, name));
    }
}
