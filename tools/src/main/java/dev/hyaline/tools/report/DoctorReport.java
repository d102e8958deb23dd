package dev.hyaline.tools.report;

import dev.hyaline.engine.KernelChoice;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.check.FiniteCheck;
import dev.hyaline.instrument.check.RepeatCheck;
import dev.hyaline.instrument.check.WeightCheck;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** What {@code hyaline doctor} found, which stops at the first trouble. */
public final class DoctorReport {
    private static final int DIGEST_SHOWN = 16;

    private final Prompts prompts;
    private final ModelVocabulary vocabulary;
    private final WeightCheck weights;
    private @Nullable KernelChoice kernels;
    private Interventions edits = Interventions.of();
    private @Nullable FiniteCheck values;
    private @Nullable RepeatCheck repeats;

    public DoctorReport(Prompts prompts, ModelVocabulary vocabulary, WeightCheck weights) {
        this.prompts = prompts;
        this.vocabulary = vocabulary;
        this.weights = weights;
    }

    /** Takes what the model runs on, and with which edits. */
    public void run(KernelChoice choice, Interventions interventions) {
        kernels = choice;
        edits = interventions;
    }

    public void values(FiniteCheck check) {
        values = check;
    }

    public void repeats(RepeatCheck check) {
        repeats = check;
    }

    /** Returns whether no trouble was found yet. */
    public boolean isHealthy() {
        return trouble().isEmpty();
    }

    /** The first trouble, in a sentence. */
    public Optional<String> trouble() {
        if (!weights.notFinite().isEmpty()) {
            WeightCheck.CheckedTensor tensor = weights.notFinite().getFirst();
            WeightCheck.MatrixEntry place = Objects.requireNonNull(tensor.first());
            return Optional.of("the first weight that is not finite is " + place.value() + " in " + tensor.name()
                    + ", row " + place.row() + ", column " + place.column() + "; it holds " + tensor.notFinite()
                    + " such values");
        }
        if (values != null && values.first().isPresent()) {
            FiniteCheck found = values;
            return found.first().map(place -> sentence(place, found));
        }
        return repeats == null
                ? Optional.empty()
                : repeats.differing().map(run -> {
                    RepeatCheck.Difference place = Objects.requireNonNull(run.difference());
                    return "the run '" + run.name() + "' gives other values: they first differ at " + place.point()
                            + " of " + where(place.sequence(), place.position(), place.token());
                });
    }

    private String sentence(FiniteCheck.Place place, FiniteCheck found) {
        return "the first value that is not finite is " + place.value() + " in the " + name(place.pass())
                + " pass at " + place.point() + (place.head() == null ? "" : ", head " + place.head())
                + (place.point().site().isMap() ? ", key " : ", channel ") + place.channel() + ", of "
                + where(place.sequence(), place.position(), place.token())
                + found.before()
                        .map(before -> "; just before it, at " + before.point() + ", values are up to "
                                + String.format(Locale.ROOT, "%.4g", before.largest()))
                        .orElse("")
                + found.nearestEdit()
                        .map(edit -> "; the edit nearest upstream is '"
                                + edit.intervention().describe() + "' at " + edit.point())
                        .orElse(edits.list().isEmpty() ? "" : "; no edit is upstream of it");
    }

    private String where(int sequence, int position, int token) {
        return prompts.name(sequence) + ", position " + position + ", token " + token + " \"" + vocabulary.text(token)
                + '"';
    }

    private static String name(FiniteCheck.Pass pass) {
        return pass.name().toLowerCase(Locale.ROOT);
    }

    /** Prints all that was found, as text or as one JSON document. */
    public void print(Console console, boolean json) {
        if (json) {
            JsonOutput.print(console, this::write);
            return;
        }
        showWeights(console);
        if (!edits.list().isEmpty()) {
            console.out().println("With these edits:");
            edits.describe().forEach(line -> console.out().println("  " + line));
            console.out().println();
        }
        if (values != null) {
            showSizes(console, values);
        }
        if (repeats != null) {
            Table table = new Table("run", "digest of all values", "first difference");
            for (RepeatCheck.Run run : repeats.runs()) {
                RepeatCheck.Difference place = run.difference();
                table.row(
                        run.name(),
                        run.digest().substring(0, DIGEST_SHOWN),
                        place == null
                                ? "none"
                                : place.point() + ", " + prompts.name(place.sequence()) + ", position "
                                        + place.position());
            }
            table.print(console);
            console.out().println();
        }
        if (isHealthy()) {
            console.out().println("All values are finite, forward and backward, and the same in every run.");
            console.out()
                    .println(console.dim(
                            "kernels: " + Objects.requireNonNull(kernels).name()
                                    + (comparesKernels() ? "" : "; there are no others here to compare them with")));
        }
    }

    private boolean comparesKernels() {
        return repeats != null
                && repeats.runs().stream().anyMatch(run -> run.name().equals(RepeatCheck.ON_SCALAR_KERNELS));
    }

    private void showWeights(Console console) {
        for (WeightCheck.CheckedTensor tensor : weights.notFinite()) {
            WeightCheck.MatrixEntry place = Objects.requireNonNull(tensor.first());
            console.out()
                    .println(tensor.name() + "  " + tensor.notFinite() + " not finite, the first at row " + place.row()
                            + ", column " + place.column());
        }
        note(console, "float16", WeightCheck.MAX_FLOAT16);
        note(console, "bfloat16", WeightCheck.MAX_BFLOAT16);
    }

    private void note(Console console, String type, float bound) {
        List<WeightCheck.CheckedTensor> above = weights.above(bound);
        if (!above.isEmpty()) {
            console.out()
                    .println("too large for " + type + ": "
                            + above.stream()
                                    .map(WeightCheck.CheckedTensor::name)
                                    .collect(Collectors.joining(", ")));
        }
    }

    private static void showSizes(Console console, FiniteCheck check) {
        Table table = new Table("pass", "site", ">root mean square", ">largest");
        for (FiniteCheck.Size size : check.sizes()) {
            table.row(
                    name(size.pass()),
                    size.point().name(),
                    String.format(Locale.ROOT, "%.4g", size.rootMeanSquare()),
                    String.format(Locale.ROOT, "%.4g", size.largest()));
        }
        table.print(console);
        console.out().println();
    }

    private void write(JsonGenerator json) {
        json.writeArrayPropertyStart("tensors_not_finite");
        for (WeightCheck.CheckedTensor tensor : weights.notFinite()) {
            WeightCheck.MatrixEntry place = Objects.requireNonNull(tensor.first());
            json.writeStartObject();
            json.writeStringProperty("name", tensor.name());
            json.writeNumberProperty("values", tensor.notFinite());
            json.writeNumberProperty("row", place.row());
            json.writeNumberProperty("column", place.column());
            json.writeEndObject();
        }
        json.writeEndArray();
        names(json, "too_large_for_float16", tensors(weights.above(WeightCheck.MAX_FLOAT16)));
        names(json, "too_large_for_bfloat16", tensors(weights.above(WeightCheck.MAX_BFLOAT16)));
        if (kernels != null) {
            json.writeStringProperty("kernels", kernels.name());
            names(json, "edits", edits.describe());
        }
        if (values != null) {
            writeValues(json, values);
        }
        if (repeats != null) {
            json.writeArrayPropertyStart("runs");
            for (RepeatCheck.Run run : repeats.runs()) {
                json.writeStartObject();
                json.writeStringProperty("name", run.name());
                json.writeStringProperty("sha256", run.digest());
                RepeatCheck.Difference place = run.difference();
                if (place != null) {
                    json.writeObjectPropertyStart("first_difference");
                    json.writeStringProperty("site", place.point().name());
                    json.writeNumberProperty("prompt", place.sequence());
                    json.writeNumberProperty("position", place.position());
                    json.writeNumberProperty("token", place.token());
                    json.writeEndObject();
                }
                json.writeEndObject();
            }
            json.writeEndArray();
        }
    }

    private static List<String> tensors(List<WeightCheck.CheckedTensor> tensors) {
        return tensors.stream().map(WeightCheck.CheckedTensor::name).toList();
    }

    private static void names(JsonGenerator json, String property, List<String> names) {
        json.writeArrayPropertyStart(property);
        names.forEach(json::writeString);
        json.writeEndArray();
    }

    private static void writeValues(JsonGenerator json, FiniteCheck check) {
        json.writeArrayPropertyStart("sizes");
        for (FiniteCheck.Size size : check.sizes()) {
            json.writeStartObject();
            json.writeStringProperty("pass", name(size.pass()));
            json.writeStringProperty("site", size.point().name());
            JsonOutput.number(json, "root_mean_square", size.rootMeanSquare());
            JsonOutput.number(json, "largest", size.largest());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeBooleanProperty("finite", check.first().isEmpty());
        check.first().ifPresent(place -> {
            json.writeObjectPropertyStart("first");
            json.writeStringProperty("pass", name(place.pass()));
            json.writeStringProperty("site", place.point().name());
            if (place.head() != null) {
                json.writeNumberProperty("head", place.head());
            }
            json.writeNumberProperty("channel", place.channel());
            json.writeNumberProperty("prompt", place.sequence());
            json.writeNumberProperty("position", place.position());
            json.writeNumberProperty("token", place.token());
            json.writeStringProperty("value", String.valueOf(place.value()));
            json.writeEndObject();
        });
        check.before().ifPresent(before -> {
            json.writeObjectPropertyStart("before");
            json.writeStringProperty("site", before.point().name());
            JsonOutput.number(json, "largest", before.largest());
            json.writeEndObject();
        });
        check.nearestEdit().ifPresent(edit -> {
            json.writeObjectPropertyStart("nearest_edit");
            json.writeStringProperty("edit", edit.intervention().describe());
            json.writeStringProperty("site", edit.point().name());
            json.writeEndObject();
        });
    }
}
