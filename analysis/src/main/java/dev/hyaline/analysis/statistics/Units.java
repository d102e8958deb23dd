package dev.hyaline.analysis.statistics;

import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Which prompts belong together. A unit is what was drawn at random (a name, a document, perhaps a template): the
 * prompts that share it are one draw, and counting them as several makes intervals too narrow. Units are declared,
 * never guessed. The same type serves for strata and for the levels of a factor. Immutable.
 */
public final class Units {
    /** Most units of one prompt each; every one has a name. */
    public static final int MAX_EACH = 1 << 24;

    private final List<String> names;
    private final int[] unitOfPrompt;
    private final int[] sizes;

    private Units(List<String> names, int[] unitOfPrompt) {
        this.names = names;
        this.unitOfPrompt = unitOfPrompt;
        this.sizes = new int[names.size()];
        for (int unit : unitOfPrompt) {
            sizes[unit]++;
        }
    }

    /**
     * Every prompt a unit of its own.
     *
     * @throws BadInputException if there is no prompt, or there are more than {@value #MAX_EACH}
     */
    public static Units each(int prompts) {
        requirePrompts(prompts);
        if (prompts > MAX_EACH) {
            throw new BadInputException(
                    "units of one prompt each are of at most " + MAX_EACH + " prompts, found " + prompts);
        }
        return new Units(
                IntStream.range(0, prompts).mapToObj(Integer::toString).toList(),
                IntStream.range(0, prompts).toArray());
    }

    /**
     * Prompts of one name are one unit; units are ordered by their first prompt.
     *
     * @param unitOfPrompt the unit's name, one per prompt
     * @throws BadInputException if there is no prompt
     */
    public static Units of(List<String> unitOfPrompt) {
        requirePrompts(unitOfPrompt.size());
        Map<String, Integer> units = new LinkedHashMap<>();
        int[] of = new int[unitOfPrompt.size()];
        for (int i = 0; i < of.length; i++) {
            int next = units.size();
            of[i] = units.computeIfAbsent(unitOfPrompt.get(i), name -> next);
        }
        return new Units(List.copyOf(units.keySet()), of);
    }

    private static void requirePrompts(int prompts) {
        if (prompts < 1) {
            throw new BadInputException("there is no prompt to take statistics of");
        }
    }

    /** Number of units. */
    public int count() {
        return sizes.length;
    }

    /** Number of prompts. */
    public int prompts() {
        return unitOfPrompt.length;
    }

    /** The units' names, by unit. */
    public List<String> names() {
        return names;
    }

    /**
     * The unit of a prompt.
     *
     * @throws BadInputException if there is no such prompt
     */
    public int unit(int prompt) {
        return unitOfPrompt[BadInputException.requireIndex("prompt", prompt, unitOfPrompt.length)];
    }

    /** Number of prompts of each unit. */
    public int[] sizes() {
        return sizes.clone();
    }

    /**
     * The prompts of a unit, rising.
     *
     * @throws BadInputException if there is no such unit
     */
    public int[] promptsOf(int unit) {
        BadInputException.requireIndex("unit", unit, sizes.length);
        return IntStream.range(0, unitOfPrompt.length)
                .filter(prompt -> unitOfPrompt[prompt] == unit)
                .toArray();
    }

    /** The units of some of the prompts, in their order. */
    public Units of(int[] prompts) {
        return of(IntStream.of(prompts)
                .mapToObj(prompt -> names.get(unit(prompt)))
                .toList());
    }

    /**
     * Prompts that share both this unit and the other.
     *
     * @throws BadInputException if the other is of another number of prompts
     */
    public Units cross(Units other) {
        if (other.prompts() != prompts()) {
            throw new BadInputException("units of " + prompts() + " prompts are crossed with units of "
                    + other.prompts() + "; both must be of the same prompts");
        }
        List<String> crossed = new ArrayList<>();
        for (int i = 0; i < unitOfPrompt.length; i++) {
            // The length keeps "a b" x "c" and "a" x "b c" apart.
            String name = names.get(unitOfPrompt[i]);
            crossed.add(name.length() + " " + name + " x " + other.names.get(other.unitOfPrompt[i]));
        }
        return of(crossed);
    }

    /**
     * The sum of each unit's values, S<sub>g</sub>, added in the order of the prompts.
     *
     * @throws BadInputException if there is not one value per prompt, or one is NaN or infinite, naming the prompt
     */
    public double[] sums(double[] values) {
        requireFinite(values);
        double[] sums = new double[sizes.length];
        for (int i = 0; i < values.length; i++) {
            sums[unitOfPrompt[i]] += values[i];
        }
        return sums;
    }

    /** The sums of what each value exceeds {@code bound} by: S<sub>g</sub> - n<sub>g</sub> bound. */
    double[] sums(double[] values, double bound) {
        double[] sums = sums(values);
        for (int g = 0; g < sums.length; g++) {
            sums[g] -= sizes[g] * bound;
        }
        return sums;
    }

    /** The sizes as doubles. */
    double[] weights() {
        return IntStream.of(sizes).asDoubleStream().toArray();
    }

    private void requireFinite(double[] values) {
        if (values.length != unitOfPrompt.length) {
            throw new BadInputException(
                    "there are " + values.length + " values of " + unitOfPrompt.length + " prompts; each needs one");
        }
        for (int i = 0; i < values.length; i++) {
            if (!Double.isFinite(values[i])) {
                throw new BadInputException("the value of prompt " + i + " is " + values[i]
                        + ", and statistics are of finite numbers only");
            }
        }
    }

    /** Returns whether the other has the same units of the same prompts. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Units units
                && names.equals(units.names)
                && Arrays.equals(unitOfPrompt, units.unitOfPrompt);
    }

    @Override
    public int hashCode() {
        return 31 * names.hashCode() + Arrays.hashCode(unitOfPrompt);
    }

    @Override
    public String toString() {
        return count() + " units of " + prompts() + " prompts";
    }
}
