package dev.hyaline.engine.tensor;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A read-only view of numbers along named axes, to look at: single values, slices, the largest ones. It prints as NumPy
 * prints. Whatever takes more is for a tensor library, which {@link #toArray} hands the values to. Immutable and
 * thread-safe.
 *
 * <p>For example: {@snippet file="dev/hyaline/engine/tensor/TensorTest.java" region="pattern"}
 *
 * <p>Indices count from 0; negative ones count from the end. Values are of single or of double precision, and are
 * returned as double, which changes none.
 */
public final class Tensor {
    private final String name;
    private final List<String> axes;
    private final int[] shape;
    /** From one value to the next along each axis. */
    private final int[] strides;

    private final int offset;
    private final float @Nullable [] floats;
    private final double @Nullable [] doubles;

    private Tensor(
            String name,
            List<String> axes,
            int[] shape,
            int[] strides,
            int offset,
            float @Nullable [] floats,
            double @Nullable [] doubles) {
        this.name = name;
        this.axes = List.copyOf(axes);
        this.shape = shape;
        this.strides = strides;
        this.offset = offset;
        this.floats = floats;
        this.doubles = doubles;
    }

    /**
     * One of a tensor's values.
     *
     * @param index on each axis
     */
    public record Element(List<Integer> index, double value) {
        public Element {
            index = List.copyOf(index);
        }

        /** Such as {@code [5, 0]: 0.734}. */
        @Override
        public String toString() {
            return index + ": " + value;
        }
    }

    /**
     * A view of values of single precision.
     *
     * @param name such as a hook point's
     * @param axes what the steps of each axis are, in the singular: {@code head}, {@code query}, {@code key}
     * @param shape the length of each axis
     * @param values row-major; neither copied nor to be changed
     * @throws BadShapeException if the shape is not one of these axes and as many values
     */
    public static Tensor view(String name, List<String> axes, List<Integer> shape, float[] values) {
        int[] sizes = checked(name, axes, shape, values.length);
        return new Tensor(name, axes, sizes, strides(sizes), 0, values, null);
    }

    /** As {@link #view(String, List, List, float[])}, of double precision. */
    public static Tensor view(String name, List<String> axes, List<Integer> shape, double[] values) {
        int[] sizes = checked(name, axes, shape, values.length);
        return new Tensor(name, axes, sizes, strides(sizes), 0, null, values);
    }

    private static int[] checked(String name, List<String> axes, List<Integer> shape, int values) {
        boolean fits = !shape.isEmpty()
                && shape.size() == axes.size()
                && shape.stream().allMatch(size -> size >= 0)
                && shape.stream().mapToDouble(Integer::doubleValue).reduce(1, (product, size) -> product * size)
                        == values;
        if (!fits) {
            throw new BadShapeException(
                    "the tensor " + name, "a length for each of the axes " + axes, values + " values, shape " + shape);
        }
        return shape.stream().mapToInt(Integer::intValue).toArray();
    }

    private static int[] strides(int[] shape) {
        int[] strides = new int[shape.length];
        int stride = 1;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride *= shape[axis];
        }
        return strides;
    }

    /** What the values are: a hook point's name, a table's title. */
    public String name() {
        return name;
    }

    /** What the steps of each axis are, in the singular. */
    public List<String> axes() {
        return axes;
    }

    /** The length of each axis. */
    public List<Integer> shape() {
        return Arrays.stream(shape).boxed().toList();
    }

    /** Number of values. */
    public int size() {
        return Arrays.stream(shape).reduce(1, (product, length) -> product * length);
    }

    /** Returns whether values are of double precision, rather than of single. */
    public boolean isDouble() {
        return doubles != null;
    }

    /**
     * One value.
     *
     * @param index on each axis; negative ones count from the end
     * @throws BadInputException if there are more or fewer indices than axes, or an axis is shorter
     */
    public double get(int... index) {
        if (index.length != shape.length) {
            throw new BadInputException(name + " has the axes " + sizes() + ": a value needs an index on each, found "
                    + Arrays.toString(index));
        }
        return value(position(index));
    }

    /**
     * What is left with the first axes held: {@code at(5)} of {@code [head, query, key]} is {@code [query, key]}.
     *
     * @param index on the first axes, fewer than all; negative ones count from the end
     */
    public Tensor at(int... index) {
        if (index.length >= shape.length) {
            throw new BadInputException(name + " has the axes " + sizes()
                    + ": fewer indices than axes leave some, found " + Arrays.toString(index));
        }
        int held = index.length;
        return new Tensor(
                name + (held == 0 ? "" : Arrays.toString(index)),
                axes.subList(held, axes.size()),
                Arrays.copyOfRange(shape, held, shape.length),
                Arrays.copyOfRange(strides, held, strides.length),
                position(index),
                floats,
                doubles);
    }

    /**
     * Some neighbouring steps of one axis, as Python's {@code [from:to]}: negative ends count from the end, and what
     * lies outside is left out.
     *
     * @param axis its number; negative from the last
     * @param from the first step
     * @param to the step after the last
     */
    public Tensor slice(int axis, int from, int to) {
        int a = axis(axis);
        int first = clipped(from, shape[a]);
        int[] sliced = shape.clone();
        sliced[a] = Math.max(0, clipped(to, shape[a]) - first);
        return new Tensor(name, axes, sliced, strides, offset + first * strides[a], floats, doubles);
    }

    /** As {@link #slice(int, int, int)}, to the axis' end. */
    public Tensor slice(int axis, int from) {
        return slice(axis, from, shape[axis(axis)]);
    }

    private static int clipped(int index, int length) {
        return Math.clamp(index < 0 ? (long) index + length : index, 0, length);
    }

    /**
     * The number of an axis.
     *
     * @throws BadInputException if none has this name
     */
    public int axis(String axis) {
        int found = axes.indexOf(axis);
        if (found < 0) {
            throw new BadInputException(name + " has no axis " + axis + "; its axes are " + sizes());
        }
        return found;
    }

    private int axis(int axis) {
        return index("axis", axis, shape.length);
    }

    /** The largest value's index on each axis; the first in row-major order among equals. NaN is not looked at. */
    public List<Integer> argmax() {
        return topK(1).getFirst().index();
    }

    /**
     * The largest values, the largest first, and the first in row-major order first among equals. NaN is not looked at.
     *
     * @param k how many; all if there are fewer
     * @throws BadInputException if {@code k} is not positive, or there is no number
     */
    public List<Element> topK(int k) {
        if (k < 1) {
            throw new BadInputException("the number of largest values must be at least 1, found " + k);
        }
        Comparator<Integer> worstFirst = Comparator.<Integer>comparingDouble(flat -> value(positionOf(flat)) + 0.0)
                .thenComparing(Comparator.reverseOrder());
        PriorityQueue<Integer> best = new PriorityQueue<>(worstFirst);
        for (int flat = 0; flat < size(); flat++) {
            if (!Double.isNaN(value(positionOf(flat)))) {
                best.add(flat);
                if (best.size() > k) {
                    best.remove();
                }
            }
        }
        if (best.isEmpty()) {
            throw new BadInputException(name + " " + sizes() + " holds no number");
        }
        List<Element> largest = new ArrayList<>();
        while (!best.isEmpty()) {
            int flat = best.remove();
            List<Integer> index = new ArrayList<>();
            for (int i : indexOf(flat)) {
                index.add(i);
            }
            largest.addFirst(new Element(index, value(positionOf(flat))));
        }
        return List.copyOf(largest);
    }

    /** A softmax along the last axis, in double precision. */
    public Tensor softmax() {
        double[] values = toDoubleArray();
        int n = shape[shape.length - 1];
        for (int from = 0; from < values.length; from += n) {
            double largest = Double.NEGATIVE_INFINITY;
            for (int i = from; i < from + n; i++) {
                largest = Math.max(largest, values[i]);
            }
            double sum = 0;
            for (int i = from; i < from + n; i++) {
                values[i] = Math.exp(values[i] - largest);
                sum += values[i];
            }
            for (int i = from; i < from + n; i++) {
                values[i] /= sum;
            }
        }
        return view("softmax of " + name, axes, shape(), values);
    }

    /** The mean of all values, added in double precision; NaN if there is none. */
    public double mean() {
        return Arrays.stream(toDoubleArray()).average().orElse(Double.NaN);
    }

    /**
     * The means along one axis, which is left out, added in double precision.
     *
     * @param axis its number; negative from the last
     * @throws BadInputException if there is no other axis
     */
    public Tensor mean(int axis) {
        int a = axis(axis);
        if (shape.length == 1) {
            throw new BadInputException(name + " has one axis only: mean() is the mean of its values");
        }
        List<String> keptAxes = new ArrayList<>(axes);
        keptAxes.remove(a);
        List<Integer> keptShape = new ArrayList<>(shape());
        keptShape.remove(/* index */ a);
        int inner = Arrays.stream(shape, a + 1, shape.length).reduce(1, (product, length) -> product * length);
        int outer = Arrays.stream(shape, 0, a).reduce(1, (product, length) -> product * length);
        double[] values = toDoubleArray();
        double[] means = new double[outer * inner];
        for (int o = 0; o < outer; o++) {
            for (int i = 0; i < inner; i++) {
                double sum = 0;
                for (int step = 0; step < shape[a]; step++) {
                    sum += values[(o * shape[a] + step) * inner + i];
                }
                means[o * inner + i] = sum / shape[a];
            }
        }
        return view("mean of " + name, keptAxes, keptShape, means);
    }

    /**
     * A copy of the values, row-major.
     *
     * @throws BadInputException if they are of double precision
     */
    public float[] toArray() {
        if (floats == null) {
            throw new BadInputException(name + " holds values of double precision; toDoubleArray() copies them");
        }
        float[] copy = new float[size()];
        for (int flat = 0; flat < copy.length; flat++) {
            copy[flat] = floats[positionOf(flat)];
        }
        return copy;
    }

    /** A copy of the values in double precision, row-major. */
    public double[] toDoubleArray() {
        double[] copy = new double[size()];
        for (int flat = 0; flat < copy.length; flat++) {
            copy[flat] = value(positionOf(flat));
        }
        return copy;
    }

    private double value(int position) {
        return floats == null ? Objects.requireNonNull(doubles)[position] : floats[position];
    }

    /** Where the values begin whose first indices are these. */
    private int position(int[] index) {
        int position = offset;
        for (int axis = 0; axis < index.length; axis++) {
            position += index(axes.get(axis), index[axis], shape[axis]) * strides[axis];
        }
        return position;
    }

    private int index(String axis, int index, int length) {
        int absolute = index < 0 ? index + length : index;
        if (absolute < 0 || absolute >= length) {
            throw new BadInputException(name + " has no " + axis + " " + index + ": "
                    + (length == 0 ? "there are none" : "they run from 0 to " + (length - 1)));
        }
        return absolute;
    }

    /** The index on each axis of a value counted in row-major order. */
    private int[] indexOf(int flat) {
        int[] index = new int[shape.length];
        int rest = flat;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
            index[axis] = rest % shape[axis];
            rest /= shape[axis];
        }
        return index;
    }

    private int positionOf(int flat) {
        int position = offset;
        int rest = flat;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
            position += rest % shape[axis] * strides[axis];
            rest /= shape[axis];
        }
        return position;
    }

    private String sizes() {
        return IntStream.range(0, shape.length)
                .mapToObj(axis -> axes.get(axis) + " " + shape[axis])
                .collect(Collectors.joining(", ", "[", "]"));
    }

    /** Name and shape, and the values as NumPy prints an array of them: of more than 1,000 only the edges. */
    @Override
    public String toString() {
        return name + " " + sizes() + (isDouble() ? " float64\n" : " float32\n") + NumpyText.of(this);
    }
}
