package dev.hyaline.instrument.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

final class RowOrderTest {
    private static long[] all(RowOrder order, int rows, int batch) {
        long[] found = new long[rows];
        long[] into = new long[batch];
        int count = 0;
        for (int n; (n = order.next(into)) > 0; count += n) {
            System.arraycopy(into, 0, found, count, n);
        }
        assertThat(count).isEqualTo(rows);
        return found;
    }

    @Property(tries = 200)
    void everyRowComesOnce(@ForAll @IntRange(min = 1, max = 5000) int rows, @ForAll long seed) {
        long[] shuffled = all(RowOrder.shuffled(rows, seed), rows, 7);
        assertThat(all(RowOrder.shuffled(rows, seed), rows, 4096)).isEqualTo(shuffled);
        Arrays.sort(shuffled);
        assertThat(shuffled)
                .isEqualTo(LongStream.range(0, rows).toArray())
                .isEqualTo(all(RowOrder.asTheyLie(rows), rows, 10));
    }

    @Property(tries = 100)
    void anOrderCanBeEnteredAnywhere(
            @ForAll @IntRange(min = 1, max = 2000) int rows, @ForAll long seed, @ForAll @IntRange(max = 2000) int at) {
        int place = at % (rows + 1);
        long[] whole = all(RowOrder.shuffled(rows, seed), rows, 64);
        RowOrder later = RowOrder.shuffled(rows, seed);
        later.position(place);
        long[] rest = new long[rows];
        assertThat(later.next(rest)).isEqualTo(rows - place);
        assertThat(later.position()).isEqualTo(rows);
        assertThat(Arrays.copyOf(rest, rows - place)).isEqualTo(Arrays.copyOfRange(whole, place, rows));
    }

    /** The order is part of a training run's recipe: it must not change. */
    @Test
    void theOrderIsFixed() {
        long[] rows = new long[8];
        RowOrder.shuffled(1000, 42).next(rows);
        assertThat(rows).containsExactly(948, 882, 811, 130, 779, 801, 188, 587);
    }

    /** Rows are as far from where they lie, and neighbours as far apart, as in a random order, within a few percent. */
    @Test
    void anOrderIsWellMixed() {
        int rows = 20_000;
        List<Double> displacements = new ArrayList<>();
        for (long seed = 0; seed < 5; seed++) {
            long[] order = all(RowOrder.shuffled(rows, seed), rows, 1000);
            double moved = 0;
            double apart = 0;
            int rising = 0;
            for (int i = 1; i < rows; i++) {
                moved += Math.abs(order[i] - i);
                apart += Math.abs(order[i] - order[i - 1]);
                rising += order[i] > order[i - 1] ? 1 : 0;
            }
            assertThat(moved / rows / rows).isBetween(0.32, 0.35);
            assertThat(apart / rows / rows).isBetween(0.32, 0.35);
            assertThat(rising / (double) rows).isBetween(0.48, 0.52);
            displacements.add(moved);
        }
        assertThat(displacements).as("every seed has its own").doesNotHaveDuplicates();
    }

    @Test
    void refusesAPlaceThatIsNone() {
        for (long place : new long[] {-1, 11}) {
            assertThatThrownBy(() -> RowOrder.asTheyLie(10).position(place))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("10 rows has no place " + place);
        }
    }
}
