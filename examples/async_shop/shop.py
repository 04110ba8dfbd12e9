"""A box office: seats of a show are booked through an async API, kept by SQLAlchemy in SQLite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import ForeignKey, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables."""


class Seat(Base):
    """A seat and who holds it, if anybody does."""

    __tablename__ = "seats"

    id: Mapped[int] = mapped_column(primary_key=True)
    holder: Mapped[str | None]


class Ticket(Base):
    """What a customer was sold."""

    __tablename__ = "tickets"

    id: Mapped[int] = mapped_column(primary_key=True)
    seat_id: Mapped[int] = mapped_column(ForeignKey("seats.id"))
    customer: Mapped[str]


class Customer(BaseModel):
    """Who asks for a seat."""

    name: str


async def take_if_free_when_looked_at(session: AsyncSession, seat_id: int, customer: str) -> bool:
    """Look, then act: between the two, another process may sell the seat."""
    seat = await session.get_one(Seat, seat_id)
    if seat.holder is not None:
        return False
    seat.holder = customer
    return True


async def take_if_free(session: AsyncSession, seat_id: int, customer: str) -> bool:
    """Let the statement that takes the seat look for itself, and ask it whether it found the seat free."""
    free = update(Seat).where(Seat.id == seat_id, Seat.holder.is_(None))
    taken = await session.execute(free.values(holder=customer).returning(Seat.id))
    return taken.one_or_none() is not None


def create_app(database: str, *, guarded: bool = True) -> FastAPI:
    """The box office over a database such as `sqlite+aiosqlite:///shop.db`."""
    engine = create_async_engine(database)
    sessions = async_sessionmaker(engine)
    take = take_if_free if guarded else take_if_free_when_looked_at

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/seats", status_code=201)
    async def add_seat() -> int:
        async with sessions.begin() as session:
            seat = Seat()
            session.add(seat)
            await session.flush()
            return seat.id

    @app.post("/seats/{seat_id}/tickets", status_code=201)
    async def book(seat_id: int, customer: Customer) -> None:
        async with sessions.begin() as session:
            if not await take(session, seat_id, customer.name):
                raise HTTPException(409, "the seat is taken")
            session.add(Ticket(seat_id=seat_id, customer=customer.name))

    @app.get("/seats/{seat_id}/tickets")
    async def tickets(seat_id: int) -> list[str]:
        async with sessions() as session:
            sold = select(Ticket.customer).where(Ticket.seat_id == seat_id).order_by(Ticket.id)
            return list(await session.scalars(sold))

    return app
