namespace QuorumMesh.Contracts;

/// <summary>HTTP header names of Tessera's REST interfaces, and those that our manager adds.</summary>
public static class RestHeaders
{
    /// <summary>The sender's key in base64, of /sendraw.</summary>
    public const string Sender = "c11n-from";
    /// <summary>The recipients' keys in base64 with commas between, of /sendraw and /sendsignedtx.</summary>
    public const string Recipients = "c11n-to";
    /// <summary>The payload's hash in base64, of /receiveraw.</summary>
    public const string PayloadKey = "c11n-key";

    /// <summary>The API versions of a manager, sent with every request from one manager to another.</summary>
    public const string SupportedApiVersions = "tesseraSupportedApiVersions";

    /// <summary>
    /// Ours: on a 404 for a payload, <see cref="Missing"/> says that this manager has a record of being a party and lost the payload.
    /// Without it a 404 means "not a party". Stock nodes ignore it.
    /// </summary>
    public const string Availability = "QuorumMesh-Availability";

    /// <summary>The value of <see cref="Availability"/> for a lost payload.</summary>
    public const string Missing = "missing";

    /// <summary>
    /// Ours: with a 401 to <c>/resend</c> INDIVIDUAL, a challenge sealed to the key that is asked for: base64 of LEGACY bytes.
    /// </summary>
    public const string ResendChallenge = "QuorumMesh-Challenge";

    /// <summary>Ours: the text of that challenge, in the same request sent again.</summary>
    public const string ResendProof = "QuorumMesh-Proof";
}
