package dev.hyaline.tools.command;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.AblationSweep.Along;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.HeadGap;
import dev.hyaline.analysis.causal.Interactions;
import dev.hyaline.analysis.causal.ShapleyValues;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.CellEdit;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.edit.Target;
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
import dev.hyaline.tools.report.ComponentReport;
import dev.hyaline.tools.report.SweepReport;
import dev.hyaline.tools.terminal.Console;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline ablate}: the effect on a task of removing parts of the model. */
@Command(
        name = "ablate",
        header = "Removes parts of the model and shows what a task loses.",
        description = {
            "",
            "Runs clean prompts with one part after another replaced: every head, layer, neuron, position or set"
                    + " of nodes. Only what an ablation can change is recomputed."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline ablate                                   every head, set to zero",
            "  hyaline ablate --site mlp_out --how mean",
            "  hyaline ablate --site mlp.post --layers 3 --neurons all --out neurons",
            "  hyaline ablate --site resid_post --by-position --how resample --seed 5",
            "  hyaline ablate --sets \"a2.h2+a2.h3+a2.h4+a2.h6, a1.h7, m0\" --how mean",
            "  hyaline ablate --sets a1.h0,a1.h3,a2.h4 --interactions --shapley --count 24",
            "  hyaline ablate --sets a1.h0,a1.h3,a2.h4 --shapley --alone --normalise --count 24"
        })
public final class AblateCommand implements Runnable, CheckedOptions {
    private static final String SETS = "ablate-sets";
    private static final float DEFAULT_DEVIATION = 1;

    enum AblationKind {
        ZERO,
        MEAN,
        MEAN_OVERALL,
        RESAMPLE,
        NOISE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** The kinds of ablation. */
    static final class AblationKinds extends Choice<AblationKind> {
        AblationKinds() {
            super(List.of(AblationKind.values()));
        }
    }

    private final Console console;

    @Option(
            names = "--how",
            paramLabel = "KIND",
            completionCandidates = AblationKinds.class,
            converter = AblationKinds.class,
            description = {
                "${COMPLETION-CANDIDATES}: mean is over the clean prompts, position by position or overall; resample"
                        + " takes another pair's corrupted prompt; noise is added. Zeroed attn_scores keep the causal"
                        + " mask, other than in TransformerLens. Default: zero"
            })
    private AblationKind how = AblationKind.ZERO;

    @ArgGroup
    private Ablated ablated = new Ablated();

    /** The parts to ablate: parts of a site, or sets of nodes. */
    private static final class Ablated {
        @ArgGroup(exclusive = false)
        private Parts parts = new Parts();

        @ArgGroup(exclusive = false)
        private @Nullable Sets named;
    }

    /** Sets of nodes, and what to measure of them. */
    private static final class Sets {
        @Option(
                names = "--sets",
                required = true,
                paramLabel = "NODES",
                description = {
                    "Sets of nodes instead, each ablated together: a1.h7+m0, a2.h2. Nodes as in the command patch."
                })
        @SuppressWarnings("NullAway.Init") // picocli sets what is required
        private String sets;

        @Option(
                names = "--interactions",
                description = {
                    "Of every two sets, what losing both does beyond the sum of losing each: below 0 they are"
                            + " redundant, above 0 serial."
                })
        private boolean interactions;

        @Option(
                names = "--shapley",
                description = {
                    "Each set's share of what all of them keep: its Shapley value, with those of every two. Up to 12"
                            + " sets exactly, else from 2,000 orders."
                })
        private boolean shapley;

        @Option(
                names = "--alone",
                description = "For --interactions and --shapley: ablate all heads that are in no set throughout.")
        private boolean alone;
    }

    /** Parts of a site, ablated one after another. */
    private static final class Parts {
        @Option(
                names = {"-s", "--site"},
                paramLabel = "NAME",
                description = "The site to ablate, by a name that the command sites lists. Default: z, head by head")
        private String site = "z";

        @Option(
                names = {"-l", "--layers"},
                paramLabel = "LAYERS",
                description = "Only these layers: 0,3-5,-1.")
        private String layers = "all";

        @Option(names = "--heads", paramLabel = "HEADS", description = "Only these heads, one by one.")
        private @Nullable String heads;

        @Option(names = "--whole", description = "All heads of a layer together.")
        private boolean whole;

        @Option(
                names = "--neurons",
                paramLabel = "LIST",
                description = "One by one these neurons, or dimensions of another site: 0-99, or all.")
        private @Nullable String neurons;

        @Option(names = "--by-position", description = "Position by position.")
        private boolean byPosition;

        @Option(
                names = "--positions",
                paramLabel = "LIST",
                description = "Only these positions, one by one: 0,3-5,-1, or roles such as S2,end.")
        private @Nullable String positions;

        private IndexSelection layers() {
            return SelectionOptions.indices("--layers", layers);
        }
    }

    @Option(names = "--deviation", paramLabel = "X", description = "Standard deviation of noise. Default: 1")
    private @Nullable Float deviation;

    @Option(
            names = "--normalise",
            description = {
                "Show the clean run as 1 and the corrupted one as 0; with --interactions and --shapley, shares of what"
                        + " all heads together add, the scale of a circuit's f."
            })
    private boolean normalise;

    @Mixin
    private TopOption top;

    @Mixin
    private PageOption page;

    @Mixin
    private StudyOptions options;

    public AblateCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (deviation != null && how != AblationKind.NOISE) {
            throw new BadInputException("--deviation needs --how noise");
        }
        if (deviation != null && !(deviation >= 0 && Float.isFinite(deviation))) {
            throw new BadInputException(
                    "--deviation: the standard deviation of noise must be a finite number of at least 0, found "
                            + deviation);
        }
        if (ablated.named != null) {
            sets(NameList.ANY_MODEL);
            options.tables().requireFree(tables());
            if (ablated.named.alone && !ablated.named.shapley) {
                throw new BadInputException("--alone needs --shapley");
            }
            if (page.isAsked() && (ablated.named.interactions || ablated.named.shapley)) {
                throw new BadInputException("--html shows effects one by one: leave out --interactions and --shapley,"
                        + " or have their tables with --out");
            }
            return;
        }
        SelectionOptions.requireSites(List.of(ablated.parts.site));
        ablated.parts.layers();
        SelectionOptions.checkIndices("--heads", ablated.parts.heads);
        if (ablated.parts.neurons != null) {
            SelectionOptions.indices("--neurons", ablated.parts.neurons);
        }
        if (ablated.parts.positions != null) {
            RolePositions.check(ablated.parts.positions);
        }
    }

    @Override
    public void run() {
        try (Study study = options.open(console)) {
            if (ablated.named != null && (ablated.named.interactions || ablated.named.shapley)) {
                compare(study, ablated.named);
                return;
            }
            String name = ablated.named != null
                    ? SETS
                    : "ablate-" + site(study.config()).shortName();
            Sweep sweep = sweep(study);
            Optional<TableFolder> folder = options.tables().folder(study.checkpoint(), name);
            try (Gpt2 model = study.start()) {
                Experiment experiment = Experiment.start(model, study.pairs(), options.metric());
                SweepReport report = new SweepReport(
                        console,
                        study.model(),
                        study.origin(),
                        name,
                        folder.orElse(null),
                        normalise,
                        options.json(),
                        top,
                        null);
                SweepResult result = report.run(experiment, sweep);
                page.write(console, study.checkpoint(), () -> page(study, report, sweep, result), options.json());
            }
        }
    }

    private Page page(Study study, SweepReport report, Sweep sweep, SweepResult result) {
        ViewHeading heading = page.heading(sweep.title(), study, options.pairs());
        Optional<CellEdit> edit = Optional.empty();
        if (how == AblationKind.ZERO && ablated.named == null) {
            edit = new CellEdits(
                            study.pairs(),
                            study.vocabulary(),
                            options.analysis().typedModel(),
                            options.pairs().begins())
                    .of(
                            "zero",
                            sweep.base(),
                            site(study.config()).shortName(),
                            sweep.axes(),
                            step -> RolePositions.of(study.pairs(), study.vocabulary(), ablated.parts.positions)
                                    .at(step, 0),
                            new int[0]);
        }
        return Page.of(sweep.title() + ": " + study.origin(), report.view(heading, result, edit.orElse(null)));
    }

    /** The names of the tables of sets. */
    private String[] tables() {
        Sets named = Objects.requireNonNull(ablated.named);
        List<String> names = new ArrayList<>();
        if (named.interactions) {
            names.add(ComponentReport.INTERACTIONS);
        }
        if (named.shapley) {
            names.addAll(List.of(ComponentReport.SHAPLEY, ComponentReport.SHAPLEY_INTERACTIONS));
        }
        return names.isEmpty() ? new String[] {SETS} : names.toArray(String[]::new);
    }

    private void compare(Study study, Sets named) {
        Map<String, List<Target>> sets = sets(study.config());
        Optional<TableFolder> folder = options.tables().folder(study.checkpoint(), tables());
        try (Gpt2 model = study.start()) {
            Experiment experiment = Experiment.start(model, study.pairs(), options.metric());
            HeadGap gap = HeadGap.measure(experiment, ablation());
            ComponentReport report = new ComponentReport(console, study.model(), study.origin(), experiment, gap, top);
            if (named.interactions) {
                ResultTable table = Interactions.measure(experiment, ablation(), sets);
                report.interactions(normalise ? gap.share(table) : table);
            }
            if (named.shapley) {
                List<Target> besides = named.alone ? besides(study.config(), named.sets) : List.of();
                ShapleyValues values = ShapleyValues.measure(
                        experiment, ablation(), sets, besides, options.pairs().seed());
                report.shapley(normalise ? values.share(gap) : values, normalise);
            }
            report.print(options.json(), folder.orElse(null));
        }
    }

    private Sweep sweep(Study study) {
        Gpt2Config config = study.config();
        if (ablated.named != null) {
            return AblationSweep.ofSets(config, ablation(), sets(config));
        }
        Parts parts = ablated.parts;
        Site chosen = site(config);
        boolean byHead = chosen.shape().byHead() && !parts.whole && parts.neurons == null;
        Along along = (byHead ? Along.everyHead() : Along.everyLayer()).inLayers(parts.layers());
        if (parts.neurons != null) {
            along = along.components(SelectionOptions.indices("--neurons", parts.neurons));
        }
        if (parts.byPosition || parts.positions != null) {
            along = along.positions(RolePositions.of(study.pairs(), study.vocabulary(), parts.positions));
        }
        Sweep sweep = AblationSweep.of(config, ablation(), chosen, along);
        return parts.heads == null ? sweep : sweep.only("head", SelectionOptions.indices("--heads", parts.heads));
    }

    private Site site(Gpt2Config config) {
        List<Site> sites = HookPoints.select(config, ablated.parts.site).stream()
                .map(HookPoint::site)
                .distinct()
                .toList();
        if (sites.size() > 1) {
            throw new BadInputException(
                    "--site takes one site, but '" + ablated.parts.site + "' names " + sites.size());
        }
        return sites.getFirst();
    }

    private static Map<String, List<Node>> nodes(Gpt2Config config, String sets) {
        Map<String, List<Node>> named = new LinkedHashMap<>();
        NameList.parse("--sets", sets, set -> {
            List<Node> nodes = Node.parseSet(config, set);
            outputs(nodes); // refuses the logits
            named.put(set, nodes);
            return set;
        });
        return named;
    }

    private Map<String, List<Target>> sets(Gpt2Config config) {
        Map<String, List<Target>> outputs = new LinkedHashMap<>();
        nodes(config, Objects.requireNonNull(ablated.named).sets)
                .forEach((set, nodes) -> outputs.put(set, outputs(nodes)));
        return outputs;
    }

    /** The heads that no set has. */
    private static List<Target> besides(Gpt2Config config, String sets) {
        return outputs(Node.headsBesides(config, nodes(config, sets).values()));
    }

    private static List<Target> outputs(List<Node> nodes) {
        return nodes.stream().map(Node::output).toList();
    }

    private Ablation ablation() {
        return switch (how) {
            case ZERO -> Ablation.zero();
            case MEAN -> Ablation.meanByPosition();
            case MEAN_OVERALL -> Ablation.mean();
            case RESAMPLE -> Ablation.resample(options.pairs().seed());
            case NOISE ->
                Ablation.noise(
                        deviation == null ? DEFAULT_DEVIATION : deviation,
                        options.pairs().seed());
        };
    }
}
