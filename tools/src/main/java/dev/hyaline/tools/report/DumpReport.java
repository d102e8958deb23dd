package dev.hyaline.tools.report;

import dev.hyaline.analysis.SummaryStatistics;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.ScreenWidth;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.dump.Dump;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** The output of {@code hyaline dump} for a dump in one file, written or only planned. */
public final class DumpReport {
    /** The number of prompts whose tokens are shown; the manifest has all. */
    private static final int PROMPTS_SHOWN = 8;

    private static final int LINE = 100;

    private final Console console;
    private final String model;
    private final ModelVocabulary vocabulary;
    private final Prompts prompts;
    private final Dump dump;

    public DumpReport(Console console, String model, ModelVocabulary vocabulary, Dump dump) {
        this.console = console;
        this.model = model;
        this.vocabulary = vocabulary;
        this.prompts = dump.prompts();
        this.dump = dump;
    }

    /**
     * Shows what would be written.
     *
     * @param passBytes memory of the passes; null if only a forward pass is run
     */
    public void forecast(Path activations, @Nullable Long passBytes, boolean json) {
        List<Path> existing = DumpFolder.existing(
                Objects.requireNonNull(activations.toAbsolutePath().getParent()));
        if (json) {
            JsonOutput.print(console, out -> {
                out.writeBooleanProperty("written", false);
                out.writeStringProperty("activations", activations.toString());
                out.writeBooleanProperty("exists", !existing.isEmpty());
                if (passBytes != null) {
                    out.writeNumberProperty("pass_bytes", passBytes);
                }
                contents(out, sequence -> List.of(), null);
            });
            return;
        }
        prompts(sequence -> List.of());
        Table table = new Table("site", "shape", ">bytes");
        for (HookPoint point : dump.capture().points()) {
            table.row(point.name(), shape(point), DisplayText.count(dump.plan().bytes(point)));
        }
        for (TensorInfo tensor : dump.plan().derived()) {
            table.row(tensor.name(), DisplayText.shape(tensor.shape()), DisplayText.count(tensor.bytes()));
        }
        table.print(console);
        console.out().println();
        console.out().println("Would write " + activations + " (" + size() + ") and " + DumpFolder.MANIFEST);
        if (passBytes != null) {
            console.out()
                    .println("The passes forward and back would take " + DisplayText.bytes(passBytes)
                            + " at once, beside the weights and their transposes");
        }
        if (!existing.isEmpty()) {
            console.out().println(existing.getFirst() + " exists already; replacing it takes --force.");
        }
    }

    /**
     * Shows what was written.
     *
     * @param edits made while the prompts ran
     */
    public void written(Gpt2 engine, Interventions edits, DumpSummary summary, Dump.DumpSummary written, boolean json) {
        if (json) {
            JsonOutput.print(console, out -> {
                out.writeBooleanProperty("written", true);
                out.writeStringProperty("activations", written.activations().toString());
                out.writeStringProperty("manifest", written.manifest().toString());
                out.writeNumberProperty("overflowed_values", written.overflowed());
                if (!edits.list().isEmpty()) {
                    out.writeArrayPropertyStart("interventions");
                    edits.describe().forEach(out::writeString);
                    out.writeEndArray();
                }
                contents(out, summary::likeliest, summary);
            });
            return;
        }
        console.out().println(headline(console, model, engine));
        edits.describe().forEach(line -> console.out().println(console.bold("Edit") + "  " + line));
        console.out().println();
        prompts(summary::likeliest);
        sites(summary);
        console.out().println();
        console.out().println("Wrote " + written.activations() + " (" + size() + ")");
        console.out().println("  and " + written.manifest());
    }

    /** A line with the model and the hardware that it runs on. */
    static String headline(Console console, String model, Gpt2 engine) {
        return console.bold(model) + "  " + DisplayText.plural(engine.config().nLayers(), "layer") + ", "
                + DisplayText.plural(engine.config().nHeads(), "head") + ", width "
                + engine.config().dModel() + "; " + runsOn(engine);
    }

    private static String runsOn(Gpt2 engine) {
        String name = engine.kernels().name();
        return engine.device().isPresent()
                ? "on " + name
                : name + " kernels, " + DisplayText.plural(engine.threads(), "thread");
    }

    private String size() {
        return DisplayText.bytes(dump.fileBytes()) + ", "
                + DisplayText.plural(dump.plan().tensors().size(), "tensor");
    }

    /** The properties that a dump and its forecast share; a forecast has no figures. */
    private void contents(JsonGenerator out, IntFunction<List<NextToken>> likeliest, @Nullable DumpSummary summary) {
        out.writeNumberProperty("bytes", dump.fileBytes());
        out.writeStringProperty("layout", dump.plan().isBatch() ? "batch" : "token-major");
        out.writeStringProperty("model", model);
        out.writeArrayPropertyStart("prompts");
        for (int s = 0; s < prompts.size(); s++) {
            int[] tokens = prompts.tokens(s);
            out.writeStartObject();
            out.writeStringProperty("source", prompts.name(s));
            JsonOutput.numbers(out, "tokens", tokens);
            out.writeArrayPropertyStart("text");
            IntStream.of(tokens).mapToObj(vocabulary::text).forEach(out::writeString);
            out.writeEndArray();
            if (summary != null) {
                next(out, likeliest.apply(s));
            }
            out.writeEndObject();
        }
        out.writeEndArray();
        out.writeArrayPropertyStart("sites");
        for (HookPoint point : dump.capture().points()) {
            out.writeStartObject();
            out.writeStringProperty("name", point.name());
            out.writeNumberProperty("bytes", dump.plan().bytes(point));
            out.writeArrayPropertyStart("shapes");
            for (TensorInfo tensor : dump.plan().tensors(point)) {
                out.writeStartArray();
                tensor.shape().forEach(out::writeNumber);
                out.writeEndArray();
            }
            out.writeEndArray();
            if (summary != null) {
                figures(out, summary.statistics(point));
            }
            out.writeEndObject();
        }
        for (TensorInfo tensor : dump.plan().derived()) {
            out.writeStartObject();
            out.writeStringProperty("name", tensor.name());
            out.writeNumberProperty("bytes", tensor.bytes());
            out.writeArrayPropertyStart("shapes");
            out.writeStartArray();
            tensor.shape().forEach(out::writeNumber);
            out.writeEndArray();
            out.writeEndArray();
            out.writeEndObject();
        }
        out.writeEndArray();
    }

    private void next(JsonGenerator out, List<NextToken> likeliest) {
        out.writeArrayPropertyStart("next");
        for (NextToken token : likeliest) {
            out.writeStartObject();
            out.writeNumberProperty("token", token.token());
            out.writeStringProperty("text", vocabulary.text(token.token()));
            out.writeNumberProperty("probability", token.probability());
            out.writeNumberProperty("log_probability", token.logProbability());
            out.writeEndObject();
        }
        out.writeEndArray();
    }

    private static void figures(JsonGenerator out, SummaryStatistics statistics) {
        JsonOutput.number(out, "mean", statistics.mean());
        JsonOutput.number(out, "standard_deviation", statistics.standardDeviation());
        JsonOutput.number(out, "largest_magnitude", statistics.largestMagnitude());
        out.writeNumberProperty("masked", statistics.masked());
        out.writeNumberProperty("not_finite", statistics.notFinite());
    }

    private void prompts(IntFunction<List<NextToken>> likeliest) {
        int shown = Math.min(prompts.size(), PROMPTS_SHOWN);
        for (int s = 0; s < shown; s++) {
            String title = prompts.size() == 1 ? "Prompt" : "Prompt " + s;
            console.out()
                    .println(console.bold(title) + " (" + prompts.name(s) + ", "
                            + DisplayText.plural(prompts.length(s), "token") + ")");
            grid(prompts.tokens(s));
            List<NextToken> next = likeliest.apply(s);
            if (!next.isEmpty()) {
                console.out()
                        .println(console.bold("Next")
                                + next.stream()
                                        .map(token -> "  " + vocabulary.quoted(token.token()) + " "
                                                + String.format(Locale.ROOT, "%.2f%%", 100 * token.probability()))
                                        .collect(Collectors.joining(" ")));
            }
            console.out().println();
        }
        if (shown < prompts.size()) {
            console.out().println("... and " + DisplayText.plural(prompts.size() - shown, "more prompt"));
            console.out().println();
        }
    }

    /** Tokens with their positions, in as many columns as a line takes. */
    private void grid(int[] tokens) {
        List<String> pieces = IntStream.of(tokens).mapToObj(vocabulary::quoted).toList();
        int digits = String.valueOf(tokens.length - 1).length();
        int width = pieces.stream().mapToInt(ScreenWidth::of).max().orElse(0);
        int columns = Math.max(1, LINE / (digits + width + 3));
        StringBuilder line = new StringBuilder();
        for (int p = 0; p < tokens.length; p++) {
            String position = " ".repeat(digits - String.valueOf(p).length()) + p;
            boolean endOfLine = (p + 1) % columns == 0 || p + 1 == tokens.length;
            line.append(console.dim(position)).append(' ').append(pieces.get(p));
            if (endOfLine) {
                console.out().println(line);
                line.setLength(0);
            } else {
                line.append(" ".repeat(width - ScreenWidth.of(pieces.get(p)) + 2));
            }
        }
    }

    private void sites(DumpSummary summary) {
        Table table = new Table("site", "shape", ">mean", ">sd", ">max |x|");
        long masked = 0;
        long notFinite = 0;
        for (HookPoint point : dump.capture().points()) {
            SummaryStatistics statistics = summary.statistics(point);
            masked += statistics.masked();
            notFinite += statistics.notFinite();
            table.row(
                    point.name(),
                    shape(point),
                    DisplayText.figure(statistics.mean()),
                    DisplayText.figure(statistics.standardDeviation()),
                    DisplayText.figure(statistics.largestMagnitude()));
        }
        table.print(console);
        if (masked > 0) {
            console.out()
                    .println(DisplayText.plural(masked, "masked score") + " (-inf) are left out of these figures.");
        }
        if (notFinite > 0) {
            console.out()
                    .println(DisplayText.plural(notFinite, "value") + " are not finite and left out of these figures.");
        }
    }

    private String shape(HookPoint point) {
        List<TensorInfo> tensors = dump.plan().tensors(point);
        String first = DisplayText.shape(tensors.getFirst().shape());
        return tensors.size() == 1 ? first : first + " and " + (tensors.size() - 1) + " more";
    }

    /** Says how many values became infinite, if any did. */
    public static void warnOfOverflow(Console console, long overflowed, ElementType type) {
        if (overflowed > 0) {
            console.err()
                    .println("hyaline: " + DisplayText.plural(overflowed, "value") + " became infinite, too large for "
                            + type + "; --dtype f32 keeps them");
        }
    }
}
