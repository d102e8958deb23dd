package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.instrument.edit.Target;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;

/** An axis of a sweep, each step of which narrows what is edited. */
record TargetAxis(Axis axis, Narrowing narrowing) {
    /** Narrows a target to a step's part of it, in a pair. */
    @FunctionalInterface
    interface Narrowing {
        Target apply(Target target, int step, int pair);
    }

    static TargetAxis layers(int[] layers) {
        return indices("layer", layers, (target, layer) -> target.layers(layer));
    }

    static TargetAxis heads(int[] heads) {
        return indices("head", heads, (target, head) -> target.heads(head));
    }

    /** Neurons, or dimensions of another site, as the name says. */
    static TargetAxis components(String name, int[] components) {
        return indices(name, components, (target, component) -> target.components(component));
    }

    /** Positions; of an attention map those of its queries. */
    static TargetAxis positions(PositionAxis positions) {
        return positions(Axis.POSITION, positions);
    }

    /** Positions, under another name. */
    static TargetAxis positions(String name, PositionAxis positions) {
        return new TargetAxis(
                new Axis(name, positions.axis().labels()),
                (target, step, pair) -> target.positions(positions.at(step, pair)));
    }

    /** Positions of an attention map's keys. */
    static TargetAxis keys(String name, PositionAxis positions) {
        return new TargetAxis(
                new Axis(name, positions.axis().labels()),
                (target, step, pair) -> target.components(positions.at(step, pair)));
    }

    private static TargetAxis indices(String name, int[] indices, BiFunction<Target, Integer, Target> narrowing) {
        Axis axis =
                new Axis(name, Arrays.stream(indices).mapToObj(String::valueOf).toList());
        return new TargetAxis(axis, (target, step, pair) -> narrowing.apply(target, indices[step]));
    }

    /** The part of a target at an index of several axes. */
    static Target narrow(Target whole, List<TargetAxis> axes, int[] index, int pair) {
        Target target = whole;
        for (int a = 0; a < index.length; a++) {
            target = axes.get(a).narrowing.apply(target, index[a], pair);
        }
        return target;
    }

    static List<Axis> axes(List<TargetAxis> axes) {
        return axes.stream().map(TargetAxis::axis).toList();
    }
}
