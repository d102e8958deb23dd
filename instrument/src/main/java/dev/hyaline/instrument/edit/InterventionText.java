package dev.hyaline.instrument.edit;

import dev.hyaline.instrument.ActivationSource;
import java.util.List;
import java.util.stream.Collectors;

/** Interventions in words, for people. */
final class InterventionText {
    private InterventionText() {}

    /** The edit and its target: {@code Scale of blocks.1.hook_mlp_out, positions -1}. */
    static String of(Intervention intervention) {
        return name(intervention) + " of " + intervention.target();
    }

    private static String name(Intervention intervention) {
        return switch (intervention) {
            case Intervention.Write set -> "Set";
            case Intervention.Custom function -> "Function";
            default -> intervention.getClass().getSimpleName();
        };
    }

    /** As {@link #of}, and with what: {@code Scale of blocks.1.hook_mlp_out, positions -1: by 0.25}. */
    static String withValues(Intervention intervention) {
        String values = values(intervention);
        return values.isEmpty() ? of(intervention) : of(intervention) + ": " + values;
    }

    private static String values(Intervention intervention) {
        return switch (intervention) {
            case Intervention.Zero zero -> "";
            case Intervention.Mean mean ->
                (mean.means().isByPosition() ? "over the same position of " : "over all positions of ")
                        + source(mean.means().reference());
            case Intervention.Resample resample ->
                "from one of " + source(resample.reference()) + ", drawn with seed " + resample.seed();
            case Intervention.Patch patch ->
                (patch.sequence() != null ? "from sequence " + patch.sequence() : "from the sequence of the same index")
                        + " of " + source(patch.source());
            case Intervention.Write set -> "to " + vector(set.value());
            case Intervention.Add add -> number(add.coefficient()) + " times " + vector(add.vector());
            case Intervention.Scale scale -> "by " + number(scale.factor());
            case Intervention.ProjectOut projectOut -> vectors(projectOut.directions());
            case Intervention.SwapHeads swap -> "";
            case Intervention.Noise noise ->
                "standard deviation " + number(noise.deviation()) + ", seed " + noise.seed();
            case Intervention.Custom function -> "a Java function";
        };
    }

    private static String source(ActivationSource recorded) {
        int count = recorded.sequences();
        return count
                + (count == 1 ? " sequence" : " sequences")
                + recorded.dump().map(folder -> " in " + folder).orElse("");
    }

    private static String vectors(List<Direction> vectors) {
        return vectors.stream().map(InterventionText::vector).collect(Collectors.joining(" and "));
    }

    private static String vector(Direction vector) {
        if (vector.length() == 1 && vector.source().isEmpty()) {
            return number(vector.get(0));
        }
        String values = vector + " values";
        return vector.source()
                .map(source -> values + " (" + source.file() + ":" + source.tensor() + ":" + source.row() + ")")
                .orElse(values);
    }

    /** Without the point of a whole number. */
    private static String number(float value) {
        String text = Float.toString(value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }
}
