package dev.hyaline.analysis.table;

import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One axis of a table.
 *
 * @param name what its steps are, in the singular: {@code layer}, {@code head}, {@code position}
 * @param labels what each step is called
 */
public record Axis(String name, List<String> labels) {
    /** The name of an axis of positions; a heat map puts it across. */
    public static final String POSITION = "position";

    /** Most steps of an axis; every one has a label. */
    public static final int MAX_STEPS = 1 << 24;

    public Axis {
        labels = List.copyOf(labels);
        if (labels.isEmpty()) {
            throw new BadInputException("the axis " + name + " has no steps");
        }
    }

    /**
     * Steps called 0, 1, 2 and so on.
     *
     * @throws BadInputException if there are none, or more than {@value #MAX_STEPS}
     */
    public static Axis indices(String name, int size) {
        if (size > MAX_STEPS) {
            throw new BadInputException("the axis " + name + " has at most " + MAX_STEPS + " steps, found " + size);
        }
        return new Axis(name, IntStream.range(0, size).mapToObj(String::valueOf).toList());
    }

    public static Axis layers(int nLayers) {
        return indices("layer", nLayers);
    }

    public static Axis heads(int nHeads) {
        return indices("head", nHeads);
    }

    /**
     * Checks an index.
     *
     * @throws BadInputException if there is no such step
     */
    public void requireStep(int step) {
        if (step < 0 || step >= labels.size()) {
            throw new BadInputException(
                    "the axis " + name + " has no step " + step + ": steps run from 0 to " + (size() - 1));
        }
    }

    public int size() {
        return labels.size();
    }

    /**
     * The index on each axis of a cell counted in row-major order.
     *
     * @throws BadInputException if the axes have no such cell
     */
    public static int[] index(List<Axis> axes, int cell) {
        int cells = axes.stream().mapToInt(Axis::size).reduce(1, Math::multiplyExact);
        BadInputException.requireIndex("cell", cell, cells);
        int[] index = new int[axes.size()];
        int rest = cell;
        for (int a = index.length - 1; a >= 0; a--) {
            index[a] = rest % axes.get(a).size();
            rest /= axes.get(a).size();
        }
        return index;
    }
}
