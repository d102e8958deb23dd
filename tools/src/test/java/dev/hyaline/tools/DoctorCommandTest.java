package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code hyaline doctor} on a sound model, and on ones with a value planted in their file. */
final class DoctorCommandTest {
    private static final int HEADER = Long.BYTES;

    @TempDir
    private Path temporary;

    private Path folder;

    @BeforeEach
    void convert() {
        folder = temporary.resolve("model");
        Outcome.of("convert", "--model", "fable", "--out", folder.toString()).succeeded();
    }

    /** Writes a float into a tensor of the model's file. */
    private void plant(String tensor, int index, float value) throws IOException {
        Path file = folder.resolve("model.safetensors");
        byte[] content = Files.readAllBytes(file);
        ByteBuffer bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        int length = (int) bytes.getLong(0);
        JsonNode header = JsonMapper.shared().readTree(new String(content, HEADER, length, StandardCharsets.UTF_8));
        JsonNode planted = header.has(tensor) ? header.get(tensor) : header.get("transformer." + tensor);
        assertThat(planted.get("dtype").asString()).isEqualTo("F32");
        bytes.putFloat(HEADER + length + planted.get("data_offsets").get(0).asInt() + Float.BYTES * index, value);
        Files.write(file, content);
    }

    private Outcome doctor(String... more) {
        List<String> arguments = new ArrayList<>(List.of("doctor", "--model", folder.toString()));
        arguments.addAll(List.of(more));
        return Outcome.of(arguments.toArray(String[]::new));
    }

    @Test
    void aSoundModel() {
        String text = doctor("--prompt", "The capital of France is").succeeded().out();
        assertThat(text)
                .contains("forward   blocks.3.hook_resid_post", "backward  hook_embed")
                .containsPattern("in reverse order +[0-9a-f]{16} +none")
                .contains("All values are finite, forward and backward, and the same in every run")
                .doesNotContain("float16");
        assertThat(text.lines()).allMatch(line -> line.length() <= 100);
        JsonNode json = doctor("--json").succeeded().json();
        assertThat(json.get("finite").booleanValue()).isTrue();
        assertThat(json.get("runs")).hasSize(8);
        assertThat(json.get("runs").get(3).get("sha256"))
                .isEqualTo(json.get("runs").get(0).get("sha256"));
    }

    @Test
    void theEditThatOverflows() {
        Outcome outcome = doctor(
                "--prompt",
                "The capital of France is",
                "--scale",
                "resid_mid=1e38",
                "--layers",
                "1",
                "--positions",
                "3");
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err())
                .containsPattern(
                        "blocks\\.1\\.hook_resid_mid, channel 0, of --prompt, position 3, token .*; just before it, at"
                                + " blocks\\.1\\..*, values are up to \\d\\.\\d+;")
                .contains("; the edit nearest upstream is 'Scale of blocks.1.hook_resid_mid, positions 3: by 1.0E38' at"
                        + " blocks.1.hook_resid_mid");
        JsonNode json = doctor("--scale", "resid_mid=2", "--layers", "1", "--json")
                .succeeded()
                .json();
        assertThat(json.get("edits").get(0).asString()).isEqualTo("Scale of blocks.1.hook_resid_mid: by 2");
        assertThat(json.get("kernels").asString()).isNotEmpty();
        assertThat(doctor("--coefficient", "2").exitCode()).isEqualTo(2);
    }

    @Test
    void aWeightThatIsNotANumber() throws IOException {
        plant("h.1.attn.c_attn.weight", 3 * 128 * 5 + 7, Float.NaN);
        Outcome outcome = doctor();
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err())
                .startsWith("hyaline: the first weight that is not finite is NaN in h.1.attn.c_attn.weight, row 5,"
                        + " column 7; it holds 1 such values");
        assertThat(outcome.out()).contains("h.1.attn.c_attn.weight  1 not finite");
        assertThat(doctor("--json").out()).contains("\"name\":\"h.1.attn.c_attn.weight\"", "\"column\":7");
    }

    /** The queries and keys of head 2, whose product no float holds; a weight that no float16 holds. */
    @Test
    void aValueThatOverflows() throws IOException {
        plant("h.2.attn.c_attn.bias", 2 * 16 + 3, 3e38f);
        plant("h.2.attn.c_attn.bias", 128 + 2 * 16 + 3, 3e38f);
        Outcome outcome = doctor("--prompt", "The capital of France is");
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err())
                .startsWith("hyaline: the first value that is not finite is Infinity in the forward pass at"
                        + " blocks.2.attn.hook_attn_scores, head 2, key 0, of --prompt, position 0, token 1535 ");
        assertThat(outcome.out())
                .contains("too large for float16: h.2.attn.c_attn.bias")
                .doesNotContain("backward");
    }
}
