package dev.hyaline.tools.command;

import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableText;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.AttributionView;
import dev.hyaline.instrument.capture.SumCheck;
import dev.hyaline.instrument.weights.WeightProcessing;
import dev.hyaline.tools.option.AnalysisOptions;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.OptionalSae;
import dev.hyaline.tools.option.PageOption;
import dev.hyaline.tools.option.PairOptions;
import dev.hyaline.tools.option.RolePositions;
import dev.hyaline.tools.option.Study;
import dev.hyaline.tools.option.TableFolder;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.report.StudyHeading;
import dev.hyaline.tools.report.TableView;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline attribute}: direct logit attribution. */
@Command(
        name = "attribute",
        header = "Splits the logit difference into the parts that write it.",
        description = {
            "",
            "Direct logit attribution: how much each layer, head, neuron, source position of a head, or feature adds"
                + " to the logit difference of answer and distractor on the clean prompts, with the final norm's scale"
                + " held at the run's. Whatever belongs to no other part is a part called bias. Also says what the"
                + " parts add up to, and how closely."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline attribute",
            "  hyaline attribute --by layer --task pronouns",
            "  hyaline attribute --by position --out attribution",
            "  hyaline attribute --by layer --positions S2,end",
            "  hyaline attribute --by stream                   the difference as it grows along the layers",
            "  hyaline attribute --by feature --sae sae        latents of an autoencoder, through its decoder"
        })
public final class AttributeCommand implements Runnable, CheckedOptions {
    enum Grouping {
        HEAD,
        LAYER,
        NEURON,
        POSITION,
        STREAM,
        FEATURE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The choices of parts. */
    static final class Groupings extends Choice<Grouping> {
        Groupings() {
            super(List.of(Grouping.values()));
        }
    }

    private final Console console;

    @Option(
            names = "--by",
            paramLabel = "PART",
            completionCandidates = Groupings.class,
            converter = Groupings.class,
            description = {
                "${COMPLETION-CANDIDATES}: position is the source position that a head reads from, stream the residual"
                        + " stream before and between all layers, feature a latent of the autoencoder of --sae."
                        + " Default: head"
            })
    private Grouping by = Grouping.HEAD;

    @Option(
            names = "--raw",
            description = {
                "Leave the weights as they are, as with --sae, whose autoencoder was trained on them. Otherwise, unless"
                        + " --process names steps, norms and value biases are folded and weights centred first, as"
                        + " TransformerLens does, which moves what belongs to no part into the bias."
            })
    private boolean raw;

    @Option(
            names = "--at",
            paramLabel = "ROLE",
            description = "Role of the position whose next token is asked about. Default: ${DEFAULT-VALUE}")
    private String role = "end";

    @Option(
            names = "--positions",
            paramLabel = "LIST",
            description = "Ask at these positions, not at one: 0,3-5,-1, or roles such as S2,end. The table has a first"
                    + " axis for them, a page (--html) a choice of them.")
    private @Nullable String positions;

    @Mixin
    private TopOption top;

    @Mixin
    private OptionalSae sae;

    @Mixin
    private PageOption page;

    @Mixin
    private PairOptions pairOptions;

    @Mixin
    private AnalysisOptions options;

    public AttributeCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (raw && options.processes()) {
            throw new BadInputException(
                    "--raw leaves the weights as they are, and --process names steps; leave out one");
        }
        if (by == Grouping.FEATURE && !sae.isGiven()) {
            throw new BadInputException("--by feature needs an autoencoder: name one with --sae");
        }
        if (sae.isGiven() && by != Grouping.FEATURE && !page.isAsked()) {
            throw new BadInputException("--sae is for --by feature, or for the features of a page (--html)");
        }
        options.tables().requireFree(name());
        if (positions != null) {
            RolePositions.check(positions);
        }
    }

    @Override
    public void run() {
        try (Study study = Study.of(options, pairOptions, console)) {
            DirectLogitAttribution.requireComparable(study.pairs(), role);
            Optional<TableFolder> folder = options.tables().folder(study.checkpoint(), name());
            Gpt2Weights weights = options.weights(study.checkpoint());
            boolean asTheyAre = raw || options.processes() || sae.isGiven();
            try (Gpt2 model = study.start(asTheyAre ? weights : WeightProcessing.processWeights(weights))) {
                DirectLogitAttribution attribution = DirectLogitAttribution.of(model, study.pairs(), role);
                Splits splits = new Splits(
                        positions == null
                                ? attribution
                                : attribution.at(RolePositions.of(study.pairs(), study.vocabulary(), positions)),
                        sae.attach(model.weights(), console));
                DirectLogitAttribution.Result result = splits.by(by);
                ResultTable table = result.table().from(study.origin());
                show(study, result, table);
                folder.ifPresent(out -> out.write(console, Map.of(name(), table), options.json()));
                page.write(console, study.checkpoint(), () -> page(study, splits, result), options.json());
            }
        }
    }

    private String name() {
        return "attribution-" + by;
    }

    /** The split that was asked for, and those by layer, head and feature. */
    private Page page(Study study, Splits splits, DirectLogitAttribution.Result result) {
        String title = "Direct logit attribution";
        ViewHeading heading = page.heading(title, study, pairOptions)
                .withJava("DirectLogitAttribution.of(model, pairs, \"" + role + "\")." + method() + ".table()");
        AttributionView view = AttributionView.of(heading);
        Set<Grouping> groupings = new LinkedHashSet<>(List.of(by, Grouping.LAYER, Grouping.HEAD));
        if (sae.isGiven()) {
            groupings.add(Grouping.FEATURE);
        }
        for (Grouping grouping : groupings) {
            DirectLogitAttribution.Result shown = grouping == by ? result : splits.by(grouping);
            view = grouping == Grouping.STREAM ? view.withStream(shown) : view.with(grouping.toString(), shown);
        }
        return Page.of(title + ": " + study.origin(), view);
    }

    private String method() {
        return switch (by) {
            case FEATURE -> "byFeature(attachment)";
            case HEAD -> "byHead()";
            case LAYER -> "byLayer()";
            case NEURON -> "byNeuron()";
            case POSITION -> "byPosition()";
            case STREAM -> "alongTheStream()";
        };
    }

    /** The ways to split. */
    private record Splits(
            DirectLogitAttribution attribution, @Nullable Attachment autoencoder) {
        DirectLogitAttribution.Result by(Grouping by) {
            return switch (by) {
                case HEAD -> attribution.byHead();
                case LAYER -> attribution.byLayer();
                case NEURON -> attribution.byNeuron();
                case POSITION -> attribution.byPosition();
                case STREAM -> attribution.alongTheStream();
                case FEATURE -> attribution.byFeature(Objects.requireNonNull(autoencoder));
            };
        }
    }

    private void show(Study study, DirectLogitAttribution.Result result, ResultTable table) {
        SumCheck sums = result.sumCheck();
        if (options.json()) {
            JsonOutput.print(console, out -> {
                out.writeStringProperty("model", study.model());
                out.writeObjectPropertyStart("conservation");
                out.writeStringProperty("whole", result.whole());
                out.writeNumberProperty("largest_error", sums.largestError());
                out.writeNumberProperty("largest_value", sums.largestValue());
                out.writeEndObject();
                out.writeObjectPropertyStart("table");
                TableText.writeJson(table, out);
                out.writeEndObject();
                top.writeJson(out, table);
            });
            return;
        }
        StudyHeading.print(console, study.model(), study.pairs(), "");
        TableView.print(console, table, top);
        console.out().println();
        console.out().println("Conservation: the whole is " + result.whole() + "; " + sums);
    }
}
