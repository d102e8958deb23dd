package dev.hyaline.engine.error;

/**
 * What a caller can do about a failure, in the API's words. Messages hold these words, so that a program which offers
 * the same by other means, as the {@code hyaline} command does by its options, can put its own in their place.
 */
public enum Remedy {
    /** Replaces what the output folder holds. */
    REPLACE("IfExists.REPLACE"),

    /** Goes on with a dump that is not finished. */
    RESUME("IfExists.RESUME"),

    /** Writes the missing parts of a planned dump, and its manifest. */
    FINISH_PARTS("DumpPlan.write and finish"),

    /** Cuts documents that are longer than the model has positions. */
    CUT_LONG_DOCUMENTS("LongDocuments.SPLIT or TRUNCATE"),

    /** Lets an intervention act on what an earlier one left. */
    EDIT_IN_ORDER("Interventions.inOrder()"),

    /** Keeps interventions apart. */
    EDIT_APART("Target.layers, heads and positions"),

    /** Names a run that interventions take values from. */
    NAME_A_RUN("InterventionJson.read takes runs by name"),

    /** Runs a model on weights processed in another way. */
    PROCESS_WEIGHTS("WeightProcessing.processWeights"),

    /** Opens the hub's model that the cache has. */
    TAKE_CACHED("call get instead of refresh");

    private final String words;

    Remedy(String words) {
        this.words = words;
    }

    /** The API's words, as messages hold them. */
    @Override
    public String toString() {
        return words;
    }
}
