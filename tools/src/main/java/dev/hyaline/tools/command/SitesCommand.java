package dev.hyaline.tools.command;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.dump.TensorPlan;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.SelectionOptions;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline sites}: a list of the hook points and their sizes. */
@Command(
        name = "sites",
        header = "Lists the hook points of a model with their shapes and sizes.",
        description = {
            "",
            "One line per site, for all its layers. Any of these names can be used with --sites, a short one also with"
                    + " its layer behind it: resid_pre2 is resid_pre of layer 2. Those marked * are computed only when"
                    + " named (or matched by a glob), and are not part of all."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline sites --length 64 --batch 100 --dtype f16",
            "  hyaline sites --model ~/models/gpt2 --sites resid_post,pattern --layers 0-3",
            "  hyaline sites --json"
        })
public final class SitesCommand implements Runnable, CheckedOptions {
    private final Console console;

    @Mixin
    private ModelOptions modelOptions;

    @Option(
            names = "--length",
            paramLabel = "N",
            description = "Tokens per prompt. Default: as many as the model has positions.")
    private @Nullable Integer length;

    @Option(names = "--batch", paramLabel = "N", description = "Number of prompts. Default: ${DEFAULT-VALUE}")
    private int batch = 1;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            completionCandidates = Choice.FloatTypes.class,
            converter = Choice.FloatTypes.class,
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private ElementType type = ElementType.F32;

    @Mixin
    private SelectionOptions selection;

    @Mixin
    private CommonOptions common;

    public SitesCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        CheckedOptions.requireAtLeast("--batch", 1, batch);
        if (!selection.innerSites().isEmpty()) {
            throw new BadInputException(selection.innerSites().getFirst()
                    + " is a site of a sparse autoencoder, not of a model; the command dump takes it with --sae");
        }
        if (length != null) {
            CheckedOptions.requireAtLeast("--length", 1, length);
        }
    }

    @Override
    public void run() {
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            Gpt2Config config = checkpoint.config();
            int tokens = length == null ? config.nCtx() : length;
            if (tokens < 1 || tokens > config.nCtx()) {
                throw new BadInputException(
                        "--length must be from 1 to the model's " + config.nCtx() + " positions, found " + tokens);
            }
            Capture capture = Capture.of(selection.select(config, "*"));
            TensorPlan plan = TensorPlan.of(config, capture, tokens, batch, type);
            requireCountable(capture.points(), plan);
            if (common.json) {
                json(checkpoint.name(), capture.points(), plan, tokens);
            } else {
                text(checkpoint.name(), capture.points(), plan, tokens);
            }
        }
    }

    private void text(String model, List<HookPoint> points, TensorPlan plan, int tokens) {
        console.out()
                .println(console.bold(model) + "  " + DisplayText.plural(batch, "prompt") + " of "
                        + DisplayText.plural(tokens, "token") + ", " + type);
        console.out().println();
        Map<Site, List<HookPoint>> bySite = points.stream()
                .collect(Collectors.groupingBy(HookPoint::site, LinkedHashMap::new, Collectors.toList()));
        Table table = new Table("name", "short", "", "layers", "shape", ">bytes each", ">bytes");
        for (Site site : Site.values()) {
            List<HookPoint> ofSite = bySite.getOrDefault(site, List.of());
            if (ofSite.isEmpty()) {
                continue;
            }
            HookPoint first = ofSite.getFirst();
            table.row(
                    site.perLayer() ? "blocks.*." + site.localName() : site.localName(),
                    site.shortName(),
                    site.onRequest() ? "*" : "",
                    layers(ofSite),
                    DisplayText.shape(plan.tensors(first).getFirst().shape()),
                    DisplayText.count(plan.bytes(first)),
                    DisplayText.count(bytes(ofSite, plan)));
        }
        table.print(console);
        List<HookPoint> plain =
                points.stream().filter(point -> !point.site().onRequest()).toList();
        console.out().println();
        console.out()
                .println(DisplayText.plural(plain.size(), "hook point") + ", " + DisplayText.bytes(bytes(plain, plan))
                        + (plain.size() == points.size()
                                ? ""
                                : "; with those computed only when named (*) " + DisplayText.count(points.size()) + ", "
                                        + DisplayText.bytes(bytes(points, plan))));
    }

    /** The layers of one site's points as {@code --layers} takes them; empty for a site outside the blocks. */
    private static String layers(List<HookPoint> points) {
        int first = points.getFirst().layer();
        int last = points.getLast().layer();
        if (first == HookPoint.NO_LAYER) {
            return "";
        }
        return points.size() > 1 && last - first + 1 == points.size()
                ? first + "-" + last
                : points.stream().map(point -> String.valueOf(point.layer())).collect(Collectors.joining(","));
    }

    private void requireCountable(List<HookPoint> points, TensorPlan plan) {
        try {
            bytes(points, plan);
        } catch (ArithmeticException e) {
            throw new BadInputException("--batch " + batch + " makes more than 2^63 bytes; ask for fewer prompts");
        }
    }

    private static long bytes(List<HookPoint> points, TensorPlan plan) {
        return points.stream().mapToLong(plan::bytes).reduce(0, Math::addExact);
    }

    private void json(String model, List<HookPoint> points, TensorPlan plan, int tokens) {
        JsonOutput.print(console, json -> {
            json.writeStringProperty("model", model);
            json.writeNumberProperty("length", tokens);
            json.writeNumberProperty("batch", batch);
            json.writeStringProperty("dtype", type.toString());
            json.writeArrayPropertyStart("sites");
            for (HookPoint point : points) {
                TensorInfo tensor = plan.tensors(point).getFirst();
                json.writeStartObject();
                json.writeStringProperty("name", point.name());
                json.writeStringProperty("short_name", point.site().shortName());
                json.writeName("layer");
                if (point.site().perLayer()) {
                    json.writeNumber(point.layer());
                } else {
                    json.writeNull();
                }
                json.writeBooleanProperty("on_request", point.site().onRequest());
                json.writeArrayPropertyStart("shape");
                tensor.shape().forEach(json::writeNumber);
                json.writeEndArray();
                json.writeNumberProperty("bytes", tensor.bytes());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeNumberProperty("bytes", bytes(points, plan));
        });
    }
}
