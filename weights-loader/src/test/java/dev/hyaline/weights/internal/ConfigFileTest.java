package dev.hyaline.weights.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.weights.TinyCheckpoint;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigFileTest {
    @TempDir
    Path directory;

    @Test
    void anEmptyConfigurationIsGpt2Small() {
        assertThat(read("{}")).isEqualTo(new ConfigFile(Gpt2Config.gpt2Small(), ModelTokens.UNKNOWN.ofSize(50257)));
    }

    @Test
    void readsEveryKeyThatChangesTheArithmetic() {
        assertThat(read("""
            {"model_type": "gpt2", "n_layer": 3, "n_head": 5, "n_embd": 60, "n_inner": 200,
             "n_positions": 37, "n_ctx": 99, "vocab_size": 101, "layer_norm_epsilon": 2.5E-6,
             "activation_function": "silu", "scale_attn_weights": false,
             "scale_attn_by_inverse_layer_idx": true, "tie_word_embeddings": false,
             "add_cross_attention": false, "reorder_and_upcast_attn": true,
             "bos_token_id": 6, "eos_token_id": [7, 8], "resid_pdrop": "anything", "max_length": Infinity}
            """))
                .isEqualTo(new ConfigFile(
                        new Gpt2Config(3, 5, 60, 200, 37, 101, 2.5e-6f, ActivationFunction.SILU, false, true, false),
                        new ModelTokens(101, 6, List.of(7, 8))));
    }

    @Test
    void readsTheNamesThatTransformersAcceptToo() {
        Gpt2Config config = read("""
            {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 8, "n_inner": null,
             "n_ctx": 16, "layer_norm_epsilon": 0, "eos_token_id": null}
            """).config();
        assertThat(config.nLayers()).isEqualTo(1);
        assertThat(config.nHeads()).isEqualTo(2);
        assertThat(config.dModel()).isEqualTo(8);
        assertThat(config.dMlp()).isEqualTo(32);
        assertThat(config.nCtx()).isEqualTo(16);
        assertThat(config.eps()).isZero();
    }

    @ParameterizedTest
    @EnumSource(ActivationFunction.class)
    void readsEveryActivationFunction(ActivationFunction function) {
        String json = "{\"activation_function\": \"" + function.configName() + "\"}";
        assertThat(read(json).config().actFn()).isEqualTo(function);
    }

    @ParameterizedTest
    @CsvSource({
        "swish, SILU",
        "gelu_fast, GELU_NEW",
        "gelu_accurate, GELU_NEW",
        "gelu_python_tanh, GELU_NEW",
        "gelu_python, GELU"
    })
    void readsOtherNamesOfActivationFunctions(String name, ActivationFunction function) {
        assertThat(read("{\"activation_function\": \"" + name + "\"}").config().actFn())
                .isEqualTo(function);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"model_type\": \"llama\"} | expected model_type to be \"gpt2\", found \"llama\"",
                "{\"model_type\": 2} | expected model_type to be a string, found 2",
                "{\"model_type\": null} | expected model_type to be a string, found null",
                "{\"add_cross_attention\": true} | expected add_cross_attention to be false: a decoder of an encoder's"
                        + " output is not supported, found true",
                "{\"reorder_and_upcast_attn\": 0} | expected reorder_and_upcast_attn to be true or false, found 0",
                "{\"n_layer\": 0} | expected n_layer to be an integer from 1 to 2147483647, found 0",
                "{\"n_layer\": -12} | expected n_layer to be an integer from 1 to 2147483647, found -12",
                "{\"n_layer\": 12.0} | expected n_layer to be an integer from 1 to 2147483647, found 12.0",
                "{\"n_layer\": \"12\"} | expected n_layer to be an integer from 1 to 2147483647, found \"12\"",
                "{\"n_layer\": null} | expected n_layer to be an integer from 1 to 2147483647, found null",
                "{\"n_layer\": true} | expected n_layer to be an integer from 1 to 2147483647, found true",
                "{\"n_layer\": [12]} | expected n_layer to be an integer from 1 to 2147483647, found an array",
                "{\"n_layer\": {}} | expected n_layer to be an integer from 1 to 2147483647, found an object",
                "{\"n_layer\": 2147483648} | expected n_layer to be an integer from 1 to 2147483647, found 2147483648",
                "{\"n_head\": 12345678901234567890} | expected n_head to be an integer from 1 to 2147483647,"
                        + " found 12345678901234567890",
                "{\"n_head\": NaN} | expected n_head to be an integer from 1 to 2147483647, found NaN",
                "{\"hidden_size\": \"x\"} | expected hidden_size to be an integer from 1 to 2147483647, found \"x\"",
                "{\"n_inner\": 0} | expected n_inner to be an integer from 1 to 2147483647, found 0",
                "{\"n_ctx\": 1e3} | expected n_ctx to be an integer from 1 to 2147483647, found 1000.0",
                "{\"vocab_size\": \"big\"} | expected vocab_size to be an integer from 1 to 2147483647, found \"big\"",
                "{\"layer_norm_epsilon\": NaN} | expected layer_norm_epsilon to be a finite number, found NaN",
                "{\"layer_norm_epsilon\": Infinity} | expected layer_norm_epsilon to be a finite number,"
                        + " found Infinity",
                "{\"layer_norm_epsilon\": 1e999} | expected layer_norm_epsilon to be a finite number, found Infinity",
                "{\"layer_norm_epsilon\": \"1e-5\"} | expected layer_norm_epsilon to be a finite number,"
                        + " found \"1e-5\"",
                "{\"layer_norm_epsilon\": -1e-5} | expected layer_norm_epsilon to be a finite number of at least 0,"
                        + " found -1.0E-5",
                "{\"layer_norm_epsilon\": 1e39} | expected layer_norm_epsilon to be a finite number of at least 0,"
                        + " found Infinity",
                "{\"n_embd\": 100, \"n_head\": 7} | expected n_embd to be a multiple of n_head, found 100 and 7",
                "{\"n_embd\": 2147483640} | to stay below 2^31 values, columns padded to 32, found 2147483640 x",
                "{\"vocab_size\": 2147483647} | expected n_embd x vocab_size to stay below 2^31 values,"
                        + " columns padded to 32, found 768 x 2147483647",
                "{\"activation_function\": \"sine\"} | expected activation_function to be one of gelu_new,"
                        + " gelu_pytorch_tanh, gelu, relu, silu, tanh, found \"sine\"",
                "{\"activation_function\": null} | expected activation_function to be a string, found null",
                "{\"scale_attn_weights\": \"true\"} | expected scale_attn_weights to be true or false, found \"true\"",
                "{\"scale_attn_by_inverse_layer_idx\": 1} | expected scale_attn_by_inverse_layer_idx to be true or"
                        + " false, found 1",
                "{\"tie_word_embeddings\": null} | expected tie_word_embeddings to be true or false, found null",
                "{\"eos_token_id\": -1} | expected eos_token_id to be an integer from 0 to 2147483647, found -1",
                "{\"eos_token_id\": [\"x\"]} | expected eos_token_id[0] to be an integer from 0 to 2147483647,",
                "[] | expected a JSON object, found an array",
                "\"gpt2\" | expected a JSON object, found \"gpt2\"",
                "`` | expected a JSON object, found nothing",
                "{\"n_layer\": 12 | expected valid JSON, found the end of the text",
                "{} {} | expected nothing after the JSON object, found an object",
                "{\"n_layer\": 1, \"n_layer\": 2} | expected valid JSON, found the key \"n_layer\" for the second time",
                "{\"n_layer\": 012} | expected valid JSON, found a number that begins with 0",
                "{n_layer: 12} | expected valid JSON, found 'n' instead of a key in double quotes",
                "{\"activation_function\": \"\\ud800\"} | to be well-formed Unicode, found \"\\ud800\""
            })
    void namesTheFileAndTheKey(String json, String message) {
        refused(json, message);
    }

    @Test
    void refusesWhatIsTooLargeOrTooDeep() {
        refused("{\"n_layer\": " + "1".repeat(200) + "}", "expected valid JSON, found Number value length");
        refused(
                "{\"x\": " + "[".repeat(100) + "]".repeat(100) + "}",
                "expected valid JSON, found Document nesting depth");
        refused(" ".repeat(1 << 20) + "{}", "expected at most 1048576 bytes, found 1048578 bytes");
    }

    @Test
    void refusesBytesThatAreNotUtf8() {
        TinyCheckpoint.write(directory, "config.json", new byte[] {'{', '"', (byte) 0xE9, '"', ':', '1', '}'});
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> ConfigFile.read(new DiskFolder(directory)))
                .withMessageContaining("config.json: expected UTF-8 text");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void refusesAMissingFile(boolean isDirectory) throws Exception {
        if (isDirectory) {
            Files.createDirectory(directory.resolve("config.json"));
        }
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> ConfigFile.read(new DiskFolder(directory)))
                .withMessage(directory.resolve("config.json") + ": expected a file, found "
                        + (isDirectory ? "something else" : "no such file"));
    }

    private ConfigFile read(String json) {
        TinyCheckpoint.write(directory, "config.json", json);
        return ConfigFile.read(new DiskFolder(directory));
    }

    private void refused(String json, String message) {
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> read(json))
                .withMessageStartingWith(directory.resolve("config.json") + ": expected ")
                .withMessageContaining(message);
    }
}
