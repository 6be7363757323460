using QuorumMesh.Primitives;

namespace QuorumMesh.State.Store;

/// <summary>
/// Accounts, and that there is none at an address. Most have neither code nor storage and take half the room without the two
/// hashes.
/// </summary>
/// <param name="limit">In accounts; a quarter as many may have code or storage.</param>
internal sealed class AccountCache(int limit)
{
    private readonly ClockCache<Address, Plain> _all = new(limit);
    private readonly ClockCache<Address, Account> _whole = new(Math.Max(limit / 4, 1));

    private enum Kind
    {
        Absent,
        Plain,
        Whole,
    }

    public int Count => _all.Count;

    public bool TryGet(in Address a, out Account? account)
    {
        account = null;
        if (!_all.TryGet(a, out var plain)) return false;
        switch (plain.Kind)
        {
            case Kind.Plain:
                account = Account.Empty with { Nonce = plain.Nonce, Balance = plain.Balance };
                return true;
            case Kind.Whole when _whole.TryGet(a, out var whole):
                account = whole;
                return true;
            default:
                return plain.Kind == Kind.Absent;
        }
    }

    public void Set(in Address a, in Account? account)
    {
        if (account is not { } present)
        {
            _all.Set(a, default);
        }
        else if (present.HasStorage || present.CodeHash != Hash256.EmptyCode || present.Privacy is not null)
        {
            _all.Set(a, new Plain { Kind = Kind.Whole });
            _whole.Set(a, present);
        }
        else
        {
            _all.Set(a, new Plain { Kind = Kind.Plain, Nonce = present.Nonce, Balance = present.Balance });
        }
    }

    private struct Plain
    {
        public UInt256 Balance;
        public ulong Nonce;
        public Kind Kind;
    }
}
