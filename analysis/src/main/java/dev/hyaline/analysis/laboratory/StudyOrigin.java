package dev.hyaline.analysis.laboratory;

import java.util.List;
import java.util.SortedMap;
import tools.jackson.core.JsonGenerator;

/**
 * What a study is of, by digests.
 *
 * @param model its name
 * @param modelDigest of its parameters
 * @param tokenizer digest; empty without one
 * @param pairs digest of the file of pairs; empty where they are drawn
 * @param autoencoders digests of those whose latents claims name, by name
 * @param program name and version
 * @param earlier studies in the same folder that this one takes the place of
 */
record StudyOrigin(
        String model,
        String modelDigest,
        String tokenizer,
        String pairs,
        SortedMap<String, String> autoencoders,
        String program,
        List<EarlierStudy> earlier) {
    /**
     * A study that was given up for another file.
     *
     * @param folder it was moved to
     * @param investigation digest of its file
     * @param reached the last phase that it finished
     */
    record EarlierStudy(String folder, String investigation, String reached) {}

    StudyOrigin {
        earlier = List.copyOf(earlier);
    }

    void write(JsonGenerator json) {
        json.writeObjectPropertyStart("model");
        json.writeStringProperty("name", model);
        json.writeStringProperty("sha256", modelDigest);
        json.writeEndObject();
        json.writeStringProperty("tokenizer", tokenizer);
        json.writeStringProperty("pairs", pairs);
        if (!autoencoders.isEmpty()) {
            json.writeObjectPropertyStart("saes");
            autoencoders.forEach(json::writeStringProperty);
            json.writeEndObject();
        }
        json.writeStringProperty("program", program);
        json.writeArrayPropertyStart("earlier");
        for (EarlierStudy study : earlier) {
            json.writeStartObject();
            json.writeStringProperty("folder", study.folder);
            json.writeStringProperty("investigation", study.investigation);
            json.writeStringProperty("reached", study.reached);
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** The digests as lines, which the first phase has as its inputs. */
    String lines(String investigation) {
        StringBuilder lines = new StringBuilder();
        line(lines, investigation, "investigation.json");
        line(lines, modelDigest, "model");
        line(lines, tokenizer.isEmpty() ? "-" : tokenizer, "tokenizer");
        line(lines, pairs.isEmpty() ? "-" : pairs, "pairs");
        autoencoders.forEach((name, digest) -> line(lines, digest, "sae:" + name));
        line(lines, program, "program");
        earlier.forEach(study -> line(lines, study.investigation + " " + study.reached, study.folder));
        return lines.toString();
    }

    private static void line(StringBuilder lines, String digest, String name) {
        lines.append(digest).append("  ").append(name).append('\n');
    }
}
