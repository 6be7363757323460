namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// The memory that one call's payloads may take, from before they are read until the answer has been sent: a share of what all calls of its
/// listener have together. Thread safe.
/// </summary>
public sealed class PayloadRoom
{
    /// <summary>
    /// A payload that is opened or sealed is there in so many forms at once: its row, what is decoded of it, the message to the enclave and
    /// the enclave's answer.
    /// </summary>
    public const int Forms = 4;

    private readonly Func<long, bool> _tryTake;
    private readonly Action<long> _giveBack;

    /// <param name="tryTake">False when there is no room for so many bytes more.</param>
    /// <param name="giveBack">Takes a number of bytes back. What is not given back is, when the call ends.</param>
    public PayloadRoom(Func<long, bool> tryTake, Action<long> giveBack)
    {
        _tryTake = tryTake;
        _giveBack = giveBack;
    }

    /// <summary>Not even one more fits.</summary>
    public static PrivacyException Full() =>
        new(Failure.NoRoom, "this listener works on as many bytes as it may: try again later, or ask for less at once");

    /// <summary>Room for the work on one payload, none at first.</summary>
    public Place Begin() => new(this);

    /// <summary>What the work on one payload takes. One user at a time; what was not kept is given back at its end.</summary>
    public sealed class Place(PayloadRoom room) : IDisposable
    {
        private long _taken;

        /// <param name="length">Of the payload, in bytes; taken <see cref="Forms"/> times.</param>
        /// <exception cref="PrivacyException"><see cref="Failure.NoRoom"/>.</exception>
        public void TakeForms(long length) => Take(Forms * length);

        /// <exception cref="PrivacyException"><see cref="Failure.NoRoom"/>.</exception>
        public void Take(long bytes)
        {
            if (!room._tryTake(bytes))
                throw Full();
            _taken += bytes;
        }

        /// <summary>The work is done; so many of its bytes stay until the call ends, the rest is given back.</summary>
        public void Keep(long bytes)
        {
            room.GiveBack(_taken - bytes);
            _taken = 0;
        }

        public void Dispose() => Keep(0);
    }

    /// <summary>Takes back what <see cref="Place.Keep"/> left, of an answer that is not given after all.</summary>
    public void GiveBack(long bytes)
    {
        if (bytes > 0)
            _giveBack(bytes);
    }
}
