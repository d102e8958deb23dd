package dev.hyaline.instrument;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Writes interventions as JSON:
 *
 * <pre>{@code
 * {"format": "hyaline-interventions/1",
 *  "in_order": false,
 *  "interventions": [
 *    {"do": "zero", "site": "attn.hook_z", "layers": "3", "heads": "2", "positions": "-1"},
 *    {"do": "add", "site": "hook_resid_pre", "layers": "2", "vector": [0.5, 1.25], "coefficient": 4.0}]}
 * }</pre>
 *
 * <p>{@code do} says what: {@code zero}; {@code mean} with {@code reference}, {@code by_position}; {@code resample}
 * with {@code reference}, {@code seed}; {@code patch} with {@code source} and perhaps {@code sequence}; {@code set}
 * with {@code value}; {@code add} with {@code vector}, {@code coefficient}; {@code scale} with {@code factor};
 * {@code project_out} with {@code directions}; {@code swap_heads}; {@code noise} with {@code deviation}, {@code seed}.
 *
 * <p>{@code site} and, where not everything is meant, {@code layers}, {@code heads}, {@code components} or
 * {@code subspace} (an array of directions), {@code positions} and {@code sequences} say where. A vector is an array, a
 * number, or a row of a tensor in a file: {@code {"file": "v.safetensors", "tensor": "v", "row": 0}}. A source or
 * reference is a dump, {@code {"dump": "folder"}}; a name that the reader of the JSON is told; or the values
 * themselves: {@code {"sequences": [{"length": 7, "positions": [0, 6], "values": {"blocks.3.attn.hook_z": [...]}}]}},
 * in the order of {@link Capture#shape}. Numbers that are not finite are strings.
 */
final class InterventionWriter {
    static final String FORMAT = "hyaline-interventions/1";
    static final List<String> KINDS =
            List.of("zero", "mean", "resample", "patch", "set", "add", "scale", "project_out", "swap_heads", "noise");

    private final JsonGenerator json;

    private InterventionWriter(JsonGenerator json) {
        this.json = json;
    }

    static String write(Interventions interventions) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            json.writeStringProperty("format", FORMAT);
            json.writeBooleanProperty("in_order", interventions.isInOrder());
            json.writeArrayPropertyStart("interventions");
            interventions.list().forEach(new InterventionWriter(json)::write);
            json.writeEndArray();
            json.writeEndObject();
        }
        return text.toString();
    }

    private void write(Intervention intervention) {
        json.writeStartObject();
        switch (intervention) {
            case Intervention.Zero zero -> begin("zero", zero);
            case Intervention.Mean mean -> {
                begin("mean", mean);
                source("reference", mean.means().reference(), mean.target());
                json.writeBooleanProperty("by_position", mean.means().isByPosition());
            }
            case Intervention.Resample resample -> {
                begin("resample", resample);
                source("reference", resample.reference(), resample.target());
                json.writeNumberProperty("seed", resample.seed());
            }
            case Intervention.Patch patch -> {
                begin("patch", patch);
                source("source", patch.source(), patch.target());
                patch.sequence().ifPresent(sequence -> json.writeNumberProperty("sequence", sequence));
            }
            case Intervention.Write set -> {
                begin("set", set);
                json.writeName("value");
                vector(set.value());
            }
            case Intervention.Add add -> {
                begin("add", add);
                json.writeName("vector");
                vector(add.vector());
                json.writeName("coefficient");
                number(add.coefficient());
            }
            case Intervention.Scale scale -> {
                begin("scale", scale);
                json.writeName("factor");
                number(scale.factor());
            }
            case Intervention.ProjectOut projectOut -> {
                begin("project_out", projectOut);
                vectors("directions", projectOut.directions());
            }
            case Intervention.SwapHeads swap -> begin("swap_heads", swap);
            case Intervention.Noise noise -> {
                begin("noise", noise);
                json.writeName("deviation");
                number(noise.deviation());
                json.writeNumberProperty("seed", noise.seed());
            }
            case Intervention.Custom function ->
                throw new BadInputException(
                        InterventionText.of(function) + " is Java code and cannot be written as JSON");
        }
        json.writeEndObject();
    }

    private void begin(String kind, Intervention intervention) {
        Target target = intervention.target();
        json.writeStringProperty("do", kind);
        json.writeStringProperty("site", target.site().localName());
        selection("layers", target.layers());
        selection("heads", target.heads());
        switch (target.part()) {
            case TargetPart.Whole whole -> {}
            case TargetPart.Components components ->
                json.writeStringProperty("components", components.indices().toString());
            case TargetPart.Subspace subspace -> vectors("subspace", subspace.directions());
        }
        selection("positions", target.positions());
        selection("sequences", target.sequences());
    }

    private void selection(String name, IndexSelection selection) {
        if (!selection.isAll()) {
            json.writeStringProperty(name, selection.toString());
        }
    }

    private void vectors(String name, List<Direction> vectors) {
        json.writeArrayPropertyStart(name);
        vectors.forEach(this::vector);
        json.writeEndArray();
    }

    private void vector(Direction vector) {
        if (vector.source().isEmpty()) {
            numbers(vector.values());
            return;
        }
        Direction.Source source = vector.source().get();
        json.writeStartObject();
        json.writeStringProperty("file", source.file().toString());
        json.writeStringProperty("tensor", source.tensor());
        json.writeNumberProperty("row", source.row());
        json.writeEndObject();
    }

    private void numbers(float[] values) {
        json.writeStartArray();
        for (float value : values) {
            number(value);
        }
        json.writeEndArray();
    }

    private void number(float value) {
        if (Float.isFinite(value)) {
            json.writeNumber(value);
        } else {
            json.writeString(Float.toString(value));
        }
    }

    private void source(String name, ActivationSource recorded, Target target) {
        json.writeObjectPropertyStart(name);
        switch (recorded) {
            case RecordedTensors tensors
            when tensors.dump().isPresent() -> dump(tensors.dump().get());
            case RecordedTensors tensors -> values(tensors, target);
            case BaseRun run -> values(run.tensors(), target);
            case RecordedStore store
            when store.dump().isPresent() -> dump(store.dump().get());
            default ->
                throw new BadInputException(recorded.getClass().getSimpleName()
                        + " is known to this program alone and cannot be written as JSON");
        }
        json.writeEndObject();
    }

    private void dump(Path folder) {
        json.writeStringProperty("dump", folder.toString());
    }

    private void values(RecordedTensors recorded, Target target) {
        json.writeArrayPropertyStart("sequences");
        for (int s = 0; s < recorded.sequences(); s++) {
            sequence(recorded, s, points(recorded, target));
        }
        json.writeEndArray();
    }

    /** The target's points that are held, of whatever layers the source has. */
    private static Set<HookPoint> points(RecordedTensors recorded, Target target) {
        Set<HookPoint> points = new TreeSet<>();
        int layers = target.site().perLayer() ? recorded.layers() : 1;
        for (int layer = 0; layer < layers; layer++) {
            points.add(target.site().perLayer() ? HookPoint.of(target.site(), layer) : HookPoint.of(target.site()));
        }
        if (target.site().perLayer() && !target.layers().isAll()) {
            Set<Integer> chosen = new TreeSet<>();
            for (int layer : target.layers().in(layers, "layer")) {
                chosen.add(layer);
            }
            points.removeIf(point -> !chosen.contains(point.layer()));
        }
        return points;
    }

    private void sequence(RecordedTensors recorded, int sequence, Set<HookPoint> points) {
        json.writeStartObject();
        json.writeNumberProperty("length", recorded.length(sequence));
        int[] positions = {};
        for (HookPoint point : points) {
            if (recorded.block(point, sequence).isPresent()) {
                positions = recorded.block(point, sequence).get().positions();
            }
        }
        json.writeName("positions");
        json.writeArray(positions, 0, positions.length);
        json.writeObjectPropertyStart("values");
        for (HookPoint point : points) {
            recorded.block(point, sequence).ifPresent(block -> {
                json.writeName(point.name());
                numbers(block.values());
            });
        }
        json.writeEndObject();
        json.writeEndObject();
    }
}
