package dev.hyaline.weights.internal.hub;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.internal.CheckpointErrors;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The hub's description of a revision.
 *
 * @param commit that the revision means, 40 hexadecimal digits
 * @param files of the repository, with their folders; none leads out of it
 */
record Listing(String commit, Set<String> files) {
    /** @param source of the answer, as an error calls it */
    static Listing read(String source, byte[] answer) {
        try {
            Json json = Json.readObject(CheckpointErrors.INSTANCE, source, answer);
            Json sha = json.require("sha");
            if (!CacheLayout.isCommit(sha.string())) {
                throw sha.expected("a commit of 40 hexadecimal digits");
            }
            Set<String> files = new LinkedHashSet<>();
            for (Json sibling : json.require("siblings").elements()) {
                files.add(fileName(source, sibling.require("rfilename").string()));
            }
            return new Listing(sha.string(), files);
        } catch (BadCheckpointException e) {
            throw new HubException(
                    Reason.BROKEN_ANSWER,
                    "no hub answers like this (check HF_ENDPOINT and the proxy): " + e.getMessage(),
                    e);
        }
    }

    private static String fileName(String source, String name) {
        boolean leadsOut = Arrays.stream(name.split("[/\\\\]", -1))
                .anyMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
        if (leadsOut || name.chars().anyMatch(Character::isISOControl)) {
            throw new HubException(
                    Reason.BROKEN_ANSWER,
                    source + " lists a file called " + Printable.quoted(name) + ", which could lead out of its folder;"
                            + " nothing was downloaded");
        }
        return name;
    }
}
