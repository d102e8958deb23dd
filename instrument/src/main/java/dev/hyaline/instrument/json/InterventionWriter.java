package dev.hyaline.instrument.json;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.JsonText;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.edit.TargetPart;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JsonGenerator;

/** Writes the JSON that {@link InterventionJson} describes. */
final class InterventionWriter {
    static final String FORMAT = "hyaline-interventions/1";
    static final List<String> KINDS =
            List.of("zero", "mean", "resample", "patch", "set", "add", "scale", "project_out", "swap_heads", "noise");

    private final JsonGenerator json;

    private InterventionWriter(JsonGenerator json) {
        this.json = json;
    }

    static String write(Interventions interventions) {
        byte[] text = JsonText.compact(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", FORMAT);
            json.writeBooleanProperty("in_order", interventions.isInOrder());
            json.writeArrayPropertyStart("interventions");
            interventions.list().forEach(new InterventionWriter(json)::write);
            json.writeEndArray();
            json.writeEndObject();
        });
        return new String(text, StandardCharsets.UTF_8);
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
                if (patch.sequence() != null) {
                    json.writeNumberProperty("sequence", patch.sequence());
                }
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
                throw new BadInputException(function.label() + " is Java code and cannot be written as JSON");
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
        if (recorded.dump().isPresent()) {
            json.writeStringProperty("dump", recorded.dump().get().toString());
        } else if (recorded.layers().isPresent()) {
            values(recorded, points(target, recorded.layers().getAsInt()));
        } else {
            throw new BadInputException(recorded.getClass().getSimpleName()
                    + " is known to this program alone and cannot be written as JSON");
        }
        json.writeEndObject();
    }

    private void values(ActivationSource recorded, Set<HookPoint> points) {
        json.writeArrayPropertyStart("sequences");
        for (int s = 0; s < recorded.sequences(); s++) {
            sequence(recorded, s, points);
        }
        json.writeEndArray();
    }

    /** The target's points that are held, of whatever layers the source has. */
    private static Set<HookPoint> points(Target target, int layers) {
        if (!target.site().perLayer()) {
            return Set.of(HookPoint.of(target.site()));
        }
        Set<HookPoint> points = new TreeSet<>();
        for (int layer : target.layers().in(layers, "layer")) {
            points.add(HookPoint.of(target.site(), layer));
        }
        return points;
    }

    private void sequence(ActivationSource recorded, int sequence, Set<HookPoint> points) {
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
