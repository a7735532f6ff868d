/** What the rows of a feed must be. Columns that a feed leaves out, as it may, are null. */
import { LocalDate } from 'graphweft';
import { z } from 'zod';

const MS_A_DAY = 86_400_000;

const text = z.string();
const optional = z
  .string()
  .nullish()
  .transform((value) => value ?? null);
const whole = z.coerce.number().int().min(0);
const optionalWhole = z
  .string()
  .nullish()
  .transform((value) => (value ? Number(value) : null))
  .pipe(z.number().int().min(0).nullable());
const optionalDegrees = z
  .string()
  .nullish()
  .transform((value) => (value ? Number(value) : null))
  .pipe(z.number().min(-180).max(180).nullable());
const flag = z.enum(['0', '1']).transform((value) => value === '1');

const date = z
  .string()
  .regex(/^\d{8}$/, 'not a date like 20240131')
  .transform((value) => {
    const [year, month, day] = [value.slice(0, 4), value.slice(4, 6), value.slice(6)];
    return new LocalDate(Date.parse(`${year}-${month}-${day}`) / MS_A_DAY);
  })
  .refine(({ epochDay }) => Number.isInteger(epochDay), 'no such day');

/** Seconds since the service day began; a trip that runs past midnight goes on beyond 86,400. */
const time = z
  .string()
  .nullish()
  .refine((value) => value == null || /^\s*\d{1,3}:\d\d:\d\d$/.test(value), 'not a time like 25:10:00')
  .transform((value) => {
    if (value == null) return null;
    const [hours, minutes, seconds] = value.split(':').map(Number);
    return hours! * 3600 + minutes! * 60 + seconds!;
  });

/** @param onlyAgency What an agency is called where the feed leaves it out, because there is only one. */
export function agencyTable(onlyAgency: string) {
  return z.object({
    agency_id: optional.transform((id) => id ?? onlyAgency),
    agency_name: text,
    agency_timezone: text,
  });
}

/** @param onlyAgency As in {@link agencyTable}. */
export function routeTable(onlyAgency: string) {
  return z.object({
    route_id: text,
    agency_id: optional.transform((id) => id ?? onlyAgency),
    route_short_name: optional,
    route_long_name: optional,
    route_type: whole,
  });
}

export const stopTable = z.object({
  stop_id: text,
  stop_name: optional,
  stop_lat: optionalDegrees,
  stop_lon: optionalDegrees,
  location_type: optionalWhole,
  parent_station: optional,
});

export const calendarTable = z.object({
  service_id: text,
  monday: flag,
  tuesday: flag,
  wednesday: flag,
  thursday: flag,
  friday: flag,
  saturday: flag,
  sunday: flag,
  start_date: date,
  end_date: date,
});

export const calendarDateTable = z.object({
  service_id: text,
  date,
  exception_type: z.enum(['1', '2']).transform((type) => type === '1'),
});

export const tripTable = z.object({
  trip_id: text,
  route_id: text,
  service_id: text,
  trip_headsign: optional,
  direction_id: optionalWhole,
});

export const stopTimeTable = z.object({
  trip_id: text,
  stop_id: text,
  stop_sequence: whole,
  arrival_time: time,
  departure_time: time,
});

/** Transfers between trips, which have no stops, are refused: the graph does not hold them. */
export const transferTable = z.object({
  from_stop_id: text,
  to_stop_id: text,
  transfer_type: optionalWhole,
  min_transfer_time: optionalWhole,
});
