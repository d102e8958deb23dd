package dev.hyaline.analysis.prompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PromptPairTest {
    private static PromptPair pair(Map<String, Integer> roles) {
        return new PromptPair("one", new int[] {1, 2}, new int[] {1, 3}, new int[] {4}, new int[0], roles);
    }

    @Test
    void anUnknownRoleIsToldWhatThereIs() {
        assertThat(pair(Map.of()).position("end")).isEqualTo(1);
        assertThatThrownBy(() -> pair(Map.of()).position("S1"))
                .isInstanceOf(BadInputException.class)
                .hasMessage("one: there is no role S1; there is end");
        assertThatThrownBy(() -> pair(Map.of("IO", 0)).position("S1"))
                .hasMessage("one: there is no role S1; there are IO, end");
    }
}
