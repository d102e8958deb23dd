package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.error.BadInputException;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

final class NextTokenTest {
    @Test
    void handComputed() {
        float[] logits = {0, (float) Math.log(2), (float) Math.log(5), 0, (float) Math.log(2)};
        List<NextToken> likeliest = NextToken.likeliest(logits, 4);
        assertThat(likeliest).extracting(NextToken::token).containsExactly(2, 1, 4, 0);
        assertThat(likeliest.getFirst().probability()).isCloseTo(5.0 / 11, within(1e-7));
        assertThat(likeliest.getLast().logProbability()).isCloseTo(-Math.log(11), within(1e-7));
    }

    @Test
    void largeLogitsDoNotOverflow() {
        List<NextToken> likeliest = NextToken.likeliest(new float[] {3e38f, -3e38f, 3e38f}, 3);
        assertThat(likeliest.get(1).probability()).isCloseTo(0.5, within(1e-15));
        assertThat(likeliest.get(2).probability()).isZero();
    }

    @Test
    void refusesWhatHasNoSoftmax() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            assertThatThrownBy(() -> NextToken.likeliest(new float[] {0, bad}, 1))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("the logit of token 1 is " + bad);
        }
        assertThatThrownBy(() -> NextToken.likeliest(new float[1], 0)).isInstanceOf(BadInputException.class);
    }

    @Property
    void ranksAsASortDoesAndSumsToOne(
            @ForAll @Size(min = 1, max = 40) List<@FloatRange(min = -30, max = 30) Float> list,
            @ForAll @IntRange(min = 1, max = 45) int k) {
        float[] logits = new float[list.size()];
        IntStream.range(0, logits.length).forEach(i -> logits[i] = Math.round(list.get(i)));
        List<Integer> sorted = IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.<Integer>comparingDouble(token -> -logits[token])
                        .thenComparing(token -> token))
                .limit(k)
                .toList();
        assertThat(NextToken.likeliest(logits, k)).extracting(NextToken::token).isEqualTo(sorted);
        double total = NextToken.likeliest(logits, logits.length).stream()
                .mapToDouble(NextToken::probability)
                .sum();
        assertThat(total).isCloseTo(1, within(1e-12));
    }
}
