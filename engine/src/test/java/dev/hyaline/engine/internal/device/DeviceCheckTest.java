package dev.hyaline.engine.internal.device;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Goal;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.fixtures.RandomModels;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class DeviceCheckTest {
    private static final Gpt2 MODEL = Gpt2.of(RandomModels.weights(RandomModels.ODD, 3), 1);
    private static final DeviceCheck CHECK = DeviceCheck.of(RandomModels.ODD);

    @AfterAll
    static void close() {
        MODEL.close();
    }

    @Test
    void passesWhoComputesTheSameWithinRounding() {
        assertThatCode(() -> CHECK.compare(MODEL::forward, MODEL::forward)).doesNotThrowAnyException();
        assertThatCode(() -> CHECK.compare(changed(x -> x * 1.00001f), MODEL::forward))
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, 0f})
    void refusesWhoComputesSomethingElse(float instead) {
        assertThatThrownBy(() -> CHECK.compare(changed(x -> instead), MODEL::forward))
                .isInstanceOf(BackendUnavailableException.class)
                .hasMessageContaining("the device computes something else than the processors: the residual stream");
    }

    /** The check has sequences of unequal length, so that whoever takes one's rows for the other's is found. */
    @Test
    void refusesWhoMixesUpRows() {
        assertThatThrownBy(() -> CHECK.compare(
                        request -> MODEL.forward(
                                ForwardRequest.of(request.sequences().reversed())
                                        .to(((Goal.ResidualRows) request.goal()).at())),
                        MODEL::forward))
                .isInstanceOf(BackendUnavailableException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "cpu", "GPU", "-1", "1.5", "99999"})
    void devicesAreNamedByNumberOrGpu(String name) {
        assertThatThrownBy(() -> Device.named(name))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a device must be gpu or the number of one, found '" + name + "'");
    }

    @Test
    void withoutAProviderThereIsNoDevice() {
        assertThatThrownBy(Device::available)
                .isInstanceOf(BackendUnavailableException.class)
                .hasMessageContaining("TORNADOVM_HOME");
    }

    private static Function<ForwardRequest, ForwardResult> changed(UnaryOperator<Float> change) {
        return request -> {
            ForwardResult result = MODEL.forward(request);
            for (int i = 0; i < result.residual().length; i++) {
                result.residual()[i] = change.apply(result.residual()[i]);
            }
            return result;
        };
    }
}
