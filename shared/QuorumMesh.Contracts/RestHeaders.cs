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
    /// The value of <see cref="SupportedApiVersions"/>: all, in one line, as a Tessera sends it (tessera 13.2); whether privacy
    /// enhancements are on does not show in it (tessera 0.2).
    /// </summary>
    public const string AllApiVersions = "2.1,3.0,4.0,5.0,v1,v2";

    /// <summary>The same on a push in LEGACY: its receiver takes one that names 5.0 for CBOR (tessera 0.2).</summary>
    public const string LegacyApiVersions = "2.1,3.0,4.0,v1,v2";

    /// <summary>Of these versions on a payload is CBOR.</summary>
    public const string CborApiVersion = "5.0";

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

    /// <summary>
    /// Ours: with the answer to a push, that this manager takes several in one request (<see cref="PushMany"/>). Learnt from the very
    /// manager that was pushed to, so that a stranger can't say it of another one.
    /// </summary>
    public const string Pushes = "QuorumMesh-Pushes";

    /// <summary>
    /// Ours: with the answer to a party info, which announcement of its keys this manager has (<see cref="Identities.IdentityAnswer"/>).
    /// </summary>
    public const string Identity = "QuorumMesh-Identity";

    /// <summary>
    /// Ours: on a push, under which name receipts for it will be fetched (<see cref="Identities.ReceiptLists"/>); with its answer, how many
    /// of its payloads were noted for one.
    /// </summary>
    public const string Receipt = "QuorumMesh-Receipt";
}
