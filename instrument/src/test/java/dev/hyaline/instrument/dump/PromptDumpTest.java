package dev.hyaline.instrument.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.CaptureListener;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PromptDumpTest {
    private static final CaptureListener NOBODY = (point, sequence, values, offset, length) -> {};

    @TempDir
    private Path temporary;

    private void write(Gpt2 model, Prompts prompts, Capture capture, DumpFormat format) {
        try (DumpFolder folder = DumpFolder.open(temporary, DumpFolder.IfExists.REPLACE)) {
            Dump.of(Models.CONFIG, prompts, capture, ElementType.F32, format)
                    .write(model, folder, DumpTest::provenance, NOBODY);
        }
    }

    @Test
    void theJavadocsExampleReads() {
        Path folder = temporary;
        try (Gpt2 model = Models.small()) {
            write(model, Models.prompts(4), Capture.of(Models.CONFIG, "pattern"), DumpFormat.SAFETENSORS);
        }
        // @start region="open"
        PromptDump dump = PromptDump.open(folder);
        List<String> texts = dump.texts(0); // the first prompt, token by token
        Tensor pattern = dump.get("pattern", 2); // [head, query, key]
        // @end
        assertThat(pattern.shape().get(1)).isEqualTo(texts.size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            value = {"5,5 SAFETENSORS", "6,1,9 SAFETENSORS", "5,5 NPZ", "6,1,9 NPZ"})
    void everythingIsReadBack(String lengths, DumpFormat format) {
        Prompts prompts = Models.prompts(
                Arrays.stream(lengths.split(",")).mapToInt(Integer::parseInt).toArray());
        Capture capture = Capture.of(HookPoint.all(Models.CONFIG)).positions(IndexSelection.parse("0,last"));
        try (Gpt2 model = Models.small()) {
            write(model, prompts, capture, format);
            ActivationCache cache = ActivationCache.record(model, prompts, capture);
            PromptDump dump = PromptDump.open(temporary);
            assertThat(dump.points()).isEqualTo(capture.points());
            assertThat(dump.sequences()).isEqualTo(prompts.size());
            assertThat(dump.gradientOf()).isEmpty();
            for (int s = 0; s < prompts.size(); s++) {
                assertThat(dump.tokens(s)).isEqualTo(prompts.tokens(s));
                assertThat(dump.name(s)).isEqualTo(prompts.name(s));
                assertThat(dump.texts(s)).hasSize(prompts.length(s)).startsWith("<" + prompts.token(s, 0) + ">\n");
                assertThat(dump.positions(s)).isEqualTo(capture.positions(prompts, s));
                for (HookPoint point : dump.points()) {
                    assertThat(dump.get(point, s).shape())
                            .isEqualTo(cache.get(point, s).shape());
                    assertThat(dump.get(point, s).toArray())
                            .isEqualTo(cache.get(point, s).toArray());
                }
            }
        }
    }

    @Test
    void whatIsNotThereIsNamed() {
        try (Gpt2 model = Models.small()) {
            write(model, Models.prompts(4), Capture.of(Models.CONFIG, "z").heads(1), DumpFormat.SAFETENSORS);
            PromptDump dump = PromptDump.open(temporary);
            assertThat(dump.get("z", 1).shape()).containsExactly(4, 1, 5);
            assertThatThrownBy(() -> dump.get("q", 1))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageEndingWith("holds no blocks.1.attn.hook_q; it holds blocks.0.attn.hook_z,"
                            + " blocks.1.attn.hook_z, blocks.2.attn.hook_z");
            assertThatThrownBy(dump::source)
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("holds only heads 1");
        }
    }

    @Test
    void aDamagedNpzIsRefused() throws IOException {
        try (Gpt2 model = Models.small()) {
            write(model, Models.prompts(4), Capture.of(Models.CONFIG, "z"), DumpFormat.NPZ);
        }
        Path file = temporary.resolve(DumpFormat.NPZ.fileName());
        byte[] whole = Files.readAllBytes(file);
        PromptDump before = PromptDump.open(temporary);
        Files.write(file, Arrays.copyOf(whole, whole.length / 2));
        assertThatThrownBy(() -> PromptDump.open(temporary))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("damaged");
        assertThatThrownBy(() -> before.get("z", 1)).isInstanceOf(HyalineException.class);
        byte[] other = whole.clone();
        int shape = new String(whole, StandardCharsets.ISO_8859_1).indexOf("'shape': (") + 10;
        other[shape] = '9';
        Files.write(file, other);
        assertThatThrownBy(() -> PromptDump.open(temporary))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("as many bytes as");
    }
}
