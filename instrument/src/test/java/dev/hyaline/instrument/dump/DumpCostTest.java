package dev.hyaline.instrument.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.instrument.Models;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class DumpCostTest {
    @Test
    void theCostIsMeasuredOnTheBeginning() {
        Corpus corpus = CorpusDumpTest.corpus(30, 1);
        CorpusDump dump = CorpusDumpTest.DUMP;
        try (Gpt2 model = Models.small()) {
            DumpCost cost = DumpCost.measure(dump, model, corpus, Duration.ofSeconds(10));
            assertThat(cost.tokens())
                    .isEqualTo(dump.forecast(corpus, tokens -> {}).tokens());
            assertThat(cost.coreHours(cost.tokens()) * 3600).isCloseTo(cost.coreSeconds(), within(1e-9));
            assertThat(cost.seconds()).isPositive();
            DumpCost brief = DumpCost.measure(dump, model, corpus, Duration.ZERO);
            assertThat(brief.tokens()).isBetween(1L, cost.tokens() - 1);
        }
        assertThatThrownBy(() -> DumpCost.measure(dump, null, Corpus.of(List.of()), Duration.ZERO))
                .hasMessage("there is no document to run");
    }
}
